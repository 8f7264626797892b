import type { Container, EphemeralContainer, Pod } from "../../api/index.ts";

/** A pod in Kubernetes' messages: `name_namespace(uid)`. */
export function podLabel(pod: Pod): string {
  return `${podName(pod)}_${podNamespace(pod)}(${podUid(pod)})`;
}

export function podName(pod: Pod): string {
  return pod.metadata?.name ?? "";
}

export function podNamespace(pod: Pod): string {
  return pod.metadata?.namespace ?? "default";
}

export function podUid(pod: Pod): string {
  return pod.metadata?.uid ?? "";
}

/** A container of the pod's spec, from any of the three lists. */
export type AnyContainer = Container & Partial<Pick<EphemeralContainer, "targetContainerName">>;

export type ContainerRole = "init" | "main" | "ephemeral";

export function initContainers(pod: Pod): Container[] {
  return pod.spec?.initContainers ?? [];
}

export function mainContainers(pod: Pod): Container[] {
  return pod.spec?.containers ?? [];
}

export function ephemeralContainers(pod: Pod): AnyContainer[] {
  return pod.spec?.ephemeralContainers ?? [];
}

export function allContainers(pod: Pod): { container: AnyContainer; role: ContainerRole }[] {
  return [
    ...initContainers(pod).map((container) => ({ container, role: "init" as const })),
    ...mainContainers(pod).map((container) => ({ container, role: "main" as const })),
    ...ephemeralContainers(pod).map((container) => ({ container, role: "ephemeral" as const })),
  ];
}

export function findContainer(
  pod: Pod,
  name: string,
): { container: AnyContainer; role: ContainerRole } | undefined {
  return allContainers(pod).find((c) => c.container.name === name);
}

/** A sidecar: an init container that runs as long as the pod. */
export function isSidecar(container: Container): boolean {
  return container.restartPolicy === "Always";
}

export function isHostNetwork(pod: Pod): boolean {
  return pod.spec?.hostNetwork === true;
}

/** The pod's default grace period, in seconds. */
export function specGraceSeconds(pod: Pod): number {
  return pod.spec?.terminationGracePeriodSeconds ?? 30;
}
