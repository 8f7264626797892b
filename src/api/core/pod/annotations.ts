/** Annotations of pods with a meaning: legacy forms of fields, and those of Kubernetes' components. */
import { forbidden, invalid } from "../../../machinery/index.ts";
import type { FieldError } from "../../definition.ts";
import type { Pod, PodSpec, SeccompProfile, Toleration } from "../../generated/types.ts";
import { descending } from "../path-rules.ts";
import { validateTolerations } from "./placement.ts";
import { containersOf } from "./resources.ts";

export const mirror = "kubernetes.io/config.mirror";
const tolerations = "scheduler.alpha.kubernetes.io/tolerations";
const deletionCost = "controller.kubernetes.io/pod-deletion-cost";
const seccompPod = "seccomp.security.alpha.kubernetes.io/pod";
const seccompContainer = "container.seccomp.security.alpha.kubernetes.io/";
const appArmor = "container.apparmor.security.beta.kubernetes.io/";

/** As controllers parse it: a plus sign and leading zeros are invalid. */
function isCost(text: string): boolean {
  const cost = Number(text);
  return /^(0|[1-9]\d*|-\d+)$/.test(text) && cost >= -2147483648 && cost <= 2147483647;
}

function validateSeccomp(value: string, path: string, errors: FieldError[]): void {
  if (value === "runtime/default" || value === "docker/default" || value === "unconfined") return;
  if (value.startsWith("localhost/")) descending(value.slice(10), path, errors);
  else errors.push(invalid(path, value, "must be a valid seccomp profile"));
}

function parsedTolerations(text: string): Toleration[] | undefined {
  try {
    return JSON.parse(text) as Toleration[];
  } catch {
    return undefined;
  }
}

/** `old`: the old annotations, whose deletion cost may be invalid. */
export function validatePodAnnotations(
  annotations: Record<string, string> | undefined,
  spec: PodSpec,
  path: string,
  errors: FieldError[],
  old?: Record<string, string>,
): void {
  const all = annotations ?? {};
  if (all[mirror] !== undefined && !spec.nodeName) {
    const text = "must set spec.nodeName if mirror pod annotation is set";
    errors.push(invalid(`${path}[${mirror}]`, all[mirror], text));
  }
  if (all[tolerations]) {
    const list = parsedTolerations(all[tolerations]);
    if (!list) errors.push(invalid(path, tolerations, jsonProblem(all[tolerations])));
    else validateTolerations(list, `${path}.${tolerations}`, errors);
  }
  const cost = all[deletionCost];
  const before = old?.[deletionCost];
  if (cost !== undefined && !isCost(cost) && (before === undefined || isCost(before)))
    errors.push(invalid(`${path}[${deletionCost}]`, cost, "must be a 32bit integer"));
  if (all[seccompPod] !== undefined) validateSeccomp(all[seccompPod], `${path}.${seccompPod}`, errors);
  for (const key in all)
    if (key.startsWith(seccompContainer)) validateSeccomp(all[key] as string, `${path}.${key}`, errors);
  for (const key in all) {
    if (!key.startsWith(appArmor)) continue;
    const container = key.slice(appArmor.length);
    const profile = all[key] as string;
    if (!containersOf(spec, "").some(([{ name }]) => name === container))
      errors.push(invalid(`${path}[${key}]`, container, "container not found"));
    if (profile === "" || profile === "runtime/default" || profile === "unconfined") continue;
    if (!profile.startsWith("localhost/")) {
      const text = `invalid AppArmor profile name: ${JSON.stringify(profile)}`;
      errors.push(invalid(`${path}[${key}]`, profile, text));
    }
  }
}

/** Go's error for invalid JSON, by its first character. */
const jsonProblem = (text: string): string =>
  text.trim() === ""
    ? "unexpected end of JSON input"
    : `invalid character '${text.trim()[0]}' looking for beginning of value`;

/** AppArmor and mirror annotations are immutable. */
export function validateAnnotationChange(pod: Pod, old: Pod, errors: FieldError[]): void {
  const path = "metadata.annotations";
  const now = pod.metadata?.annotations ?? {};
  const before = old.metadata?.annotations ?? {};
  for (const key in before) {
    if (now[key] === before[key]) continue;
    const here = `${path}[${key}]`;
    if (key.startsWith(appArmor))
      errors.push(forbidden(here, "may not remove or update AppArmor annotations"));
    if (key === mirror) errors.push(forbidden(here, "may not remove or update mirror pod annotation"));
  }
  for (const key in now) {
    if (before[key] !== undefined) continue;
    if (key.startsWith(appArmor))
      errors.push(forbidden(`${path}[${key}]`, "may not add AppArmor annotations"));
    if (key === mirror) errors.push(forbidden(`${path}[${key}]`, "may not add mirror pod annotation"));
  }
  validatePodAnnotations(now, pod.spec ?? { containers: [] }, path, errors, before);
}

interface Profile {
  type: string;
  localhostProfile?: string;
}

/** The conflict of a profile with its annotation; undefined when they agree. */
function contradicted(annotation: string, profile: Profile, fallback: readonly string[]): string | undefined {
  switch (profile.type) {
    case "Unconfined":
      return annotation === "unconfined" ? undefined : "type";
    case "RuntimeDefault":
      return fallback.includes(annotation) ? undefined : "type";
    case "Localhost":
      if (!annotation.startsWith("localhost/")) return "type";
      return annotation.slice(10) === profile.localhostProfile ? undefined : "localhostProfile";
    default:
      return undefined;
  }
}

/** At creation an annotation must agree with the field that replaced it. `path`: of the spec. */
export function validateAnnotationsMatch(
  all: Record<string, string> | undefined,
  spec: PodSpec,
  path: string,
  errors: FieldError[],
): void {
  if (!all) return;
  const seccomp = (profile: SeccompProfile | undefined, key: string, here: string): void => {
    if (!profile || all[key] === undefined) return;
    const what = contradicted(all[key], profile, ["runtime/default", "docker/default"]);
    const subject = what === "type" ? "type" : "profile";
    if (what)
      errors.push(forbidden(`${here}.${what}`, `seccomp ${subject} in annotation and field must match`));
  };
  seccomp(spec.securityContext?.seccompProfile, seccompPod, `${path}.securityContext.seccompProfile`);
  for (const [{ name, securityContext }, here] of containersOf(spec, path))
    seccomp(
      securityContext?.seccompProfile,
      seccompContainer + name,
      `${here}.securityContext.seccompProfile`,
    );
  if (spec.os?.name === "windows") return;
  for (const [{ name, securityContext }, here] of containersOf(spec, path)) {
    const profile = securityContext?.appArmorProfile ?? spec.securityContext?.appArmorProfile;
    const annotation = all[appArmor + name];
    if (!profile || annotation === undefined) continue;
    const what = contradicted(annotation, profile, ["runtime/default"]);
    if (!what) continue;
    const subject = what === "type" ? "type" : "profile";
    const text = `apparmor ${subject} in annotation and field must match`;
    errors.push(forbidden(`${here}.securityContext.appArmorProfile.${what}`, text));
  }
}
