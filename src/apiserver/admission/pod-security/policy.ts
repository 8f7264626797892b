/** The policy in a namespace's labels (KEP-2579). */
import { type FieldError, invalid } from "../../../machinery/index.ts";

export type Level = "privileged" | "baseline" | "restricted";

export interface LevelVersion {
  readonly level: Level;
  /** Minor version of Kubernetes 1; Infinity for `latest`. */
  readonly minor: number;
}

export interface Policy {
  readonly enforce: LevelVersion;
  readonly audit: LevelVersion;
  readonly warn: LevelVersion;
  /** Invalid labels. */
  readonly errors: readonly FieldError[];
}

const prefix = "pod-security.kubernetes.io/";
export const levels: readonly string[] = ["privileged", "baseline", "restricted"];
const latest = Number.POSITIVE_INFINITY;
const unrestricted: LevelVersion = { level: "privileged", minor: latest };
export const noPolicy: Policy = {
  enforce: unrestricted,
  audit: unrestricted,
  warn: unrestricted,
  errors: [],
};

/** The label of a mode. */
export const labelOf = (mode: string): string => `${prefix}${mode}`;

/** How strict a level is; greater is stricter. */
export const strictness = (level: Level): number => levels.indexOf(level);

export const showLevel = ({ level, minor }: LevelVersion): string =>
  `${level}:${minor === latest ? "latest" : `v1.${minor}`}`;

export const sameLevel = (a: LevelVersion, b: LevelVersion): boolean =>
  a.level === b.level && a.minor === b.minor;

/** An invalid level enforces the strictest, but neither audits nor warns; an invalid version means the latest. */
export function policyOf(
  labels: Readonly<Record<string, string>> | undefined,
  defaults: Policy = noPolicy,
): Policy {
  if (!labels || !Object.keys(labels).some((key) => key.startsWith(prefix))) return defaults;
  const errors: FieldError[] = [];
  const read = (mode: "enforce" | "audit" | "warn", unreadable: Level): LevelVersion => {
    const usual = defaults[mode];
    const level = labels[`${prefix}${mode}`];
    const version = labels[`${prefix}${mode}-version`];
    let found: Level = usual.level;
    if (level !== undefined) {
      found = levels.includes(level) ? (level as Level) : unreadable;
      if (!levels.includes(level)) complain(mode, level, `must be one of ${levels.join(", ")}`);
    }
    const minor = version === undefined ? usual.minor : minorOf(version);
    if (minor === undefined) complain(`${mode}-version`, version as string, 'must be "latest" or "v1.x"');
    return { level: found, minor: minor ?? latest };
  };
  const complain = (label: string, value: string, why: string): void => {
    errors.push(invalid(`metadata.labels[${prefix}${label}]`, value, why));
  };
  const enforce = read("enforce", "restricted");
  const audit = read("audit", "privileged");
  let warn = read("warn", "privileged");
  // The enforced level also warns about templates, unless `warn` is set.
  const level = labels[`${prefix}enforce`];
  if (labels[`${prefix}warn`] === undefined && level !== undefined && levels.includes(level)) {
    if (strictness(enforce.level) > strictness(warn.level)) {
      const own = labels[`${prefix}warn-version`] !== undefined;
      warn = { level: enforce.level, minor: own ? warn.minor : enforce.minor };
    }
  }
  return { enforce, audit, warn, errors };
}

/** Undefined when it is invalid. */
export function minorOf(version: string): number | undefined {
  if (version === "latest") return latest;
  const match = /^v1\.(0|[1-9]\d{0,8})$/.exec(version);
  return match ? Number(match[1]) : undefined;
}
