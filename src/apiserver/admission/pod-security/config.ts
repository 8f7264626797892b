/** PodSecurityConfiguration (pod-security.admission.config.k8s.io/v1): default levels and exemptions. */
import { isDns1123Label, isDns1123Subdomain, isObject } from "../../../machinery/index.ts";
import { expectKind, onlyFields } from "../config/admission-configuration.ts";
import { type Level, levels, type LevelVersion, minorOf, noPolicy, type Policy } from "./policy.ts";

export interface PodSecurityConfig {
  defaults: Policy;
  exempt: {
    namespaces: ReadonlySet<string>;
    usernames: ReadonlySet<string>;
    runtimeClasses: ReadonlySet<string>;
  };
}

const nobody: ReadonlySet<string> = new Set();
const usualConfig: PodSecurityConfig = {
  defaults: noPolicy,
  exempt: { namespaces: nobody, usernames: nobody, runtimeClasses: nobody },
};

const modes = ["enforce", "audit", "warn"] as const;
const lists = ["namespaces", "usernames", "runtimeClasses"] as const;

const group = "pod-security.admission.config.k8s.io";

/** Throws an Error with all mistakes. */
export function podSecurityConfig(value: unknown): PodSecurityConfig {
  if (value === undefined) return usualConfig;
  const document = (isObject(value) ? value : {}) as Record<string, unknown>;
  expectKind(document, [`${group}/v1`, `${group}/v1beta1`], "PodSecurityConfiguration");
  onlyFields(document, "", ["defaults", "exemptions"]);
  const defaults = membersOf(document["defaults"]);
  const exemptions = membersOf(document["exemptions"]);
  onlyFields(defaults, "defaults.", [...modes, ...modes.map((mode) => `${mode}-version`)], false);
  onlyFields(exemptions, "exemptions.", lists, false);
  const errors: string[] = [];
  const read = (mode: (typeof modes)[number]): LevelVersion => {
    const level = String(defaults[mode] ?? "privileged");
    const version = String(defaults[`${mode}-version`] ?? "latest");
    const minor = minorOf(version);
    if (!levels.includes(level)) errors.push(`${mode}: must be one of ${levels.join(", ")}`);
    if (minor === undefined) errors.push(`${mode}-version: must be "latest" or "v1.x"`);
    return { level: level as Level, minor: minor ?? Number.POSITIVE_INFINITY };
  };
  const policy: Policy = { enforce: read("enforce"), audit: read("audit"), warn: read("warn"), errors: [] };
  const named = (list: (typeof lists)[number], isGood: (name: string) => boolean): ReadonlySet<string> => {
    const given = (exemptions[list] ?? []) as unknown[];
    const names = Array.isArray(given) ? given.map(String) : [];
    for (const [i, name] of names.entries()) {
      const shown = `exemptions.${list}[${i}]: `;
      if (!isGood(name)) errors.push(`${shown}Invalid value: ${JSON.stringify(name)}`);
      else if (names.indexOf(name) < i) errors.push(`${shown}Duplicate value: ${JSON.stringify(name)}`);
    }
    return new Set(names);
  };
  const exempt = {
    namespaces: named("namespaces", (name) => isDns1123Label(name).length === 0),
    usernames: named("usernames", (name) => name !== ""),
    runtimeClasses: named("runtimeClasses", (name) => isDns1123Subdomain(name).length === 0),
  };
  if (errors.length > 0) throw new Error(`PodSecurity configuration error: [${errors.join(", ")}]`);
  return { defaults: policy, exempt };
}

const membersOf = (value: unknown): Record<string, unknown> => (isObject(value) ? value : {}) as never;
