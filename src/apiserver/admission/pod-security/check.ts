/** Shared by all checks of the Pod Security Standards. */
import type { Container, ObjectMeta, PodSpec } from "../../../api/index.ts";

export interface Violation {
  /** The violation in short. */
  reason: string;
  /** The offending fields and values. */
  detail: string;
}

/** A pod or a template of one. */
export interface Subject {
  readonly metadata: Pick<ObjectMeta, "annotations">;
  readonly spec: PodSpec;
  /** Init containers, containers and ephemeral ones, in this order. */
  readonly containers: readonly Container[];
}

export type Check = (subject: Subject) => Violation | undefined;

/** One control: its checks by the minor version of Kubernetes 1 since which they apply, oldest first. */
export interface Control {
  readonly id: string;
  readonly versions: readonly { readonly since: number; readonly check: Check }[];
  /** The baseline control that this stricter one replaces. */
  readonly replaces?: string;
}

export const subjectOf = (metadata: ObjectMeta | undefined, spec: PodSpec): Subject => ({
  metadata: metadata ?? {},
  spec,
  containers: [
    ...(spec.initContainers ?? []),
    ...(spec.containers ?? []),
    ...((spec.ephemeralContainers ?? []) as Container[]),
  ],
});

export const quoted = (items: readonly string[]): string => items.map((item) => `"${item}"`).join(", ");

export const plural = (one: string, many: string, count: number): string => (count === 1 ? one : many);

/** `container "a"`, `containers "a", "b"` */
export const containersText = (names: readonly string[]): string =>
  `${plural("container", "containers", names.length)} ${quoted(names)}`;

export const sorted = (items: Iterable<string>): string[] => [...new Set(items)].sort();

export const namesOf = (containers: readonly Container[]): string[] => containers.map((each) => each.name);

/** "pod", "container "a"" or both, for those with a forbidden setting. */
export function setters(pod: boolean, containers: readonly Container[]): string {
  const names = namesOf(containers);
  return [...(pod ? ["pod"] : []), ...(names.length > 0 ? [containersText(names)] : [])].join(" and ");
}

/** Restrictions are relaxed for pods with user namespaces (KEP-127). */
export const hasOwnUsers = (subject: Subject): boolean => subject.spec.hostUsers === false;

export const isWindows = (subject: Subject): boolean => subject.spec.os?.name === "windows";

export const unless =
  (exempt: (subject: Subject) => boolean, check: Check): Check =>
  (subject) =>
    exempt(subject) ? undefined : check(subject);
