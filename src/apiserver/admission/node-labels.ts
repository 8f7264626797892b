import type { Node } from "../../api/index.ts";

/** Labels of Kubernetes' own name spaces that a kubelet may set on its node. */
const kubelets = new Set([
  "kubernetes.io/hostname",
  "topology.kubernetes.io/zone",
  "topology.kubernetes.io/region",
  "failure-domain.beta.kubernetes.io/zone",
  "failure-domain.beta.kubernetes.io/region",
  "beta.kubernetes.io/instance-type",
  "node.kubernetes.io/instance-type",
  "kubernetes.io/os",
  "kubernetes.io/arch",
  "beta.kubernetes.io/os",
  "beta.kubernetes.io/arch",
]);

const within = (space: string, whole: string): boolean => space === whole || space.endsWith(`.${whole}`);

/** The keys of changed labels that attract workloads, and that nodes may not set therefore (KEP-279). */
export function changedForbiddenLabels(now: Node | undefined, old: Node | undefined): string[] {
  const [after, before] = [now?.metadata?.labels ?? {}, old?.metadata?.labels ?? {}];
  return [...new Set([...Object.keys(after), ...Object.keys(before)])]
    .filter((key) => after[key] !== before[key] && isForbidden(key))
    .sort();
}

function isForbidden(key: string): boolean {
  const slash = key.indexOf("/");
  const space = slash < 0 ? "" : key.slice(0, slash);
  if (within(space, "node-restriction.kubernetes.io")) return true;
  if (!within(space, "kubernetes.io") && !within(space, "k8s.io")) return false;
  return (
    !kubelets.has(key) && !within(space, "kubelet.kubernetes.io") && !within(space, "node.kubernetes.io")
  );
}
