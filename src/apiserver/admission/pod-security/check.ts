/** What all checks of the Pod Security Standards share. */
import type { Container, ObjectMeta, PodSpec } from "../../../api/index.ts";

export interface Violation {
  /** What is wrong, in a word. */
  reason: string;
  /** Who does it, and how. */
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

/** One control: what it asks for from a minor version of Kubernetes 1 on, oldest first. */
export interface Control {
  readonly id: string;
  readonly versions: readonly { readonly since: number; readonly check: Check }[];
  /** The baseline control that a stricter one stands in for. */
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

/** "pod", "container "a"" or both, of those that say something they must not. */
export function setters(pod: boolean, containers: readonly Container[]): string {
  const names = namesOf(containers);
  return [...(pod ? ["pod"] : []), ...(names.length > 0 ? [containersText(names)] : [])].join(" and ");
}

/** A pod whose users are not the node's may be more at home (KEP-127). */
export const hasOwnUsers = (subject: Subject): boolean => subject.spec.hostUsers === false;

export const isWindows = (subject: Subject): boolean => subject.spec.os?.name === "windows";

export const unless =
  (exempt: (subject: Subject) => boolean, check: Check): Check =>
  (subject) =>
    exempt(subject) ? undefined : check(subject);
