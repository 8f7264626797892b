/** AppArmor profiles were annotations before 1.30; annotations of new pods are converted to fields. */
import type { AppArmorProfile, Container, Pod } from "../../generated/types.ts";
import { byteLength, deepEqual } from "../../../machinery/index.ts";

const prefix = "container.apparmor.security.beta.kubernetes.io/";

/** Containers with a warning about their annotation: deprecated, or not convertible. */
const outdated = new WeakSet<object>();

/** Undefined for an annotation that is no profile. */
export function profileOf(annotation: string): AppArmorProfile | undefined {
  if (annotation === "unconfined") return { type: "Unconfined" };
  if (annotation === "runtime/default") return { type: "RuntimeDefault" };
  const local = "localhost/";
  const name = annotation.slice(local.length);
  if (!annotation.startsWith(local) || name === "") return undefined;
  return { type: "Localhost", localhostProfile: name };
}

/** A name that is invalid in the field stays in the annotation. */
const mayBeField = ({ localhostProfile = "" }: AppArmorProfile): boolean =>
  localhostProfile.trim() === localhostProfile && byteLength(localhostProfile) <= 4095;

const containersOf = ({ spec }: Pod): Container[] => [
  ...(spec?.initContainers ?? []),
  ...(spec?.containers ?? []),
  ...((spec?.ephemeralContainers ?? []) as Container[]),
];

export function profilesFromAnnotations(pod: Pod): void {
  if (pod.spec?.os?.name === "windows") return;
  for (const container of containersOf(pod)) {
    const annotation = pod.metadata?.annotations?.[prefix + container.name];
    if (annotation === undefined || container.securityContext?.appArmorProfile) continue;
    const told = profileOf(annotation);
    const profile = told && mayBeField(told) ? told : undefined;
    if (profile && deepEqual(profile, pod.spec?.securityContext?.appArmorProfile)) continue;
    outdated.add(container);
    if (profile) container.securityContext = { ...container.securityContext, appArmorProfile: profile };
  }
}

/** Warnings for the annotations of a pod after `profilesFromAnnotations`. */
export const profileWarnings = (pod: Pod): string[] =>
  containersOf(pod)
    .filter((container) => outdated.has(container))
    .map(
      ({ name }) =>
        `metadata.annotations[${prefix}${name}]: deprecated since v1.30; use the "appArmorProfile" field instead`,
    );
