import type { Affinity, Pod, PodAffinityTerm } from "../api/index.ts";
import { selectorFromObject } from "../machinery/index.ts";
import { podRequests, podScoringRequests, type Resources } from "./resources.ts";

/** A pod with its scheduling requirements, computed once per version of the object. */
export interface PodInfo {
  readonly pod: Pod;
  /** `namespace/name` */
  readonly key: string;
  readonly uid: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly priority: number;
  readonly requests: Resources;
  readonly scoringRequests: Resources;
  readonly ports: readonly HostPort[];
  readonly requiredAffinity: readonly AffinityTerm[];
  readonly requiredAntiAffinity: readonly AffinityTerm[];
  readonly preferredAffinity: readonly WeightedTerm[];
  readonly preferredAntiAffinity: readonly WeightedTerm[];
}

export interface HostPort {
  protocol: string;
  /** "" and 0.0.0.0 are equivalent: all addresses. */
  ip: string;
  port: number;
}

/** A pod affinity term, parsed. */
export interface AffinityTerm {
  topologyKey: string;
  matches(pod: PodInfo, namespaceLabels: NamespaceLabels): boolean;
}

export interface WeightedTerm {
  weight: number;
  term: AffinityTerm;
}

/** Labels of a namespace; undefined when it is unknown. */
export type NamespaceLabels = (namespace: string) => Readonly<Record<string, string>> | undefined;

export function podInfo(pod: Pod): PodInfo {
  const namespace = pod.metadata?.namespace ?? "";
  const labels = pod.metadata?.labels ?? {};
  const affinity: Affinity = pod.spec?.affinity ?? {};
  const term = (t: PodAffinityTerm): AffinityTerm => affinityTerm(t, namespace, labels);
  const weighted = (
    list: { weight: number; podAffinityTerm: PodAffinityTerm }[] | undefined,
  ): WeightedTerm[] => (list ?? []).map((w) => ({ weight: w.weight, term: term(w.podAffinityTerm) }));
  return {
    pod,
    key: `${namespace}/${pod.metadata?.name ?? ""}`,
    uid: pod.metadata?.uid ?? "",
    namespace,
    labels,
    priority: pod.spec?.priority ?? 0,
    requests: podRequests(pod),
    scoringRequests: podScoringRequests(pod),
    ports: hostPorts(pod),
    requiredAffinity: (affinity.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).map(term),
    requiredAntiAffinity: (
      affinity.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []
    ).map(term),
    preferredAffinity: weighted(affinity.podAffinity?.preferredDuringSchedulingIgnoredDuringExecution),
    preferredAntiAffinity: weighted(
      affinity.podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution,
    ),
  };
}

function hostPorts(pod: Pod): HostPort[] {
  const out: HostPort[] = [];
  const sidecars = (pod.spec?.initContainers ?? []).filter((c) => c.restartPolicy === "Always");
  for (const container of [...(pod.spec?.containers ?? []), ...sidecars]) {
    for (const port of container.ports ?? []) {
      const hostPort = port.hostPort ?? (pod.spec?.hostNetwork ? port.containerPort : 0);
      if (hostPort > 0)
        out.push({ protocol: port.protocol ?? "TCP", ip: port.hostIP || "0.0.0.0", port: hostPort });
    }
  }
  return out;
}

/** Whether two host ports conflict on a node. */
export function portsConflict(a: HostPort, b: HostPort): boolean {
  if (a.port !== b.port || a.protocol !== b.protocol) return false;
  return a.ip === b.ip || a.ip === "0.0.0.0" || b.ip === "0.0.0.0";
}

function affinityTerm(
  term: PodAffinityTerm,
  ownNamespace: string,
  ownLabels: Readonly<Record<string, string>>,
): AffinityTerm {
  // A missing label selector matches no pod; an empty one matches all (core/v1 PodAffinityTerm).
  const selector = term.labelSelector ? selectorFromObject(withLabelKeys(term, ownLabels)) : undefined;
  const byNamespaceLabels = term.namespaceSelector ? selectorFromObject(term.namespaceSelector) : undefined;
  const listed = term.namespaces ?? [];
  const names = new Set(listed.length === 0 && !byNamespaceLabels ? [ownNamespace] : listed);
  return {
    topologyKey: term.topologyKey,
    matches(pod, namespaceLabels) {
      if (!selector?.matches(pod.labels)) return false;
      if (names.has(pod.namespace)) return true;
      if (!byNamespaceLabels) return false;
      return byNamespaceLabels.empty || byNamespaceLabels.matches(namespaceLabels(pod.namespace) ?? {});
    },
  };
}

/** matchLabelKeys and mismatchLabelKeys (KEP-3633) become requirements on the pod's own label values. */
function withLabelKeys(
  term: PodAffinityTerm,
  own: Readonly<Record<string, string>>,
): PodAffinityTerm["labelSelector"] {
  const extra: { key: string; operator: string; values: string[] }[] = [];
  for (const key of term.matchLabelKeys ?? []) {
    if (own[key] !== undefined) extra.push({ key, operator: "In", values: [own[key]] });
  }
  for (const key of term.mismatchLabelKeys ?? []) {
    if (own[key] !== undefined) extra.push({ key, operator: "NotIn", values: [own[key]] });
  }
  if (extra.length === 0) return term.labelSelector;
  return {
    ...term.labelSelector,
    matchExpressions: [...(term.labelSelector?.matchExpressions ?? []), ...extra],
  };
}
