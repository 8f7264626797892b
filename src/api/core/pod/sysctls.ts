import type { PodSpec } from "../../generated/types.ts";
import { duplicate, type FieldError, invalid, required } from "../../../machinery/index.ts";

const segment = "[a-z0-9]([-_a-z0-9]*[a-z0-9])?";
const name = new RegExp(`^(${segment}[./])*${segment}$`);
const maxLength = 253;

/** Prefixes of namespaced sysctls: others cannot be set per pod. */
const ofProcesses = new Set([
  "kernel.sem",
  "kernel.shmall",
  "kernel.shmmax",
  "kernel.shmmni",
  "kernel.shm_rmid_forced",
  "kernel.shm",
  "kernel.msgmax",
  "kernel.msgmnb",
  "kernel.msgmni",
  "kernel.msg",
]);

/** The host namespace of a sysctl; of a pattern the part before its star counts. */
function hostField(name: string): "hostNetwork" | "hostIPC" | undefined {
  const base = normalized(name).replace(/\*.*$/s, "");
  if (ofProcesses.has(base) || base.startsWith("fs.mqueue.")) return "hostIPC";
  return base.startsWith("net.") ? "hostNetwork" : undefined;
}

/** With dots as separators: if a slash comes first, dots and slashes are swapped. */
function normalized(name: string): string {
  const first = /[./]/.exec(name)?.[0];
  if (first !== "/") return name;
  return name.replace(/[./]/g, (each) => (each === "/" ? "." : "/"));
}

const clashes = (spec: PodSpec, name: string): "hostNetwork" | "hostIPC" | undefined => {
  const field = hostField(name);
  return field && spec[field] ? field : undefined;
};

/**
 * `securityContext.sysctls` of a pod: names as the kernel spells them, each once, none of a namespace of the host unless
 * the pod had such before.
 */
export function validateSysctls(spec: PodSpec, path: string, errors: FieldError[], old?: PodSpec): void {
  const seen = new Set<string>();
  const allowed = old?.securityContext?.sysctls?.some((each) => clashes(old, each.name ?? "")) ?? false;
  for (const [i, sysctl] of (spec.securityContext?.sysctls ?? []).entries()) {
    const here = `${path}[${i}].name`;
    const given = sysctl.name ?? "";
    if (given === "") errors.push(required(here));
    else if (given.length > maxLength || !name.test(given)) {
      const text = `must have at most ${maxLength} characters and match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*${segment}$`;
      errors.push(invalid(here, given, text));
    } else if (seen.has(given)) errors.push(duplicate(here, given));
    const field = allowed ? undefined : clashes(spec, given);
    if (field) errors.push(invalid(here, given, `may not be specified when '${field}' is true`));
    seen.add(given);
  }
}
