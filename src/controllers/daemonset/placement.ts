import {
  type DaemonSet,
  matchesNodeSelector,
  type Node,
  type Pod,
  type PodSpec,
  tolerates,
  type Toleration,
} from "../../api/index.ts";

const prefix = "node.kubernetes.io/";
const automatic: readonly Toleration[] = [
  { key: `${prefix}not-ready`, operator: "Exists", effect: "NoExecute" },
  { key: `${prefix}unreachable`, operator: "Exists", effect: "NoExecute" },
  { key: `${prefix}disk-pressure`, operator: "Exists", effect: "NoSchedule" },
  { key: `${prefix}memory-pressure`, operator: "Exists", effect: "NoSchedule" },
  { key: `${prefix}pid-pressure`, operator: "Exists", effect: "NoSchedule" },
  { key: `${prefix}unschedulable`, operator: "Exists", effect: "NoSchedule" },
];
const forHostNetwork: Toleration = {
  key: `${prefix}network-unavailable`,
  operator: "Exists",
  effect: "NoSchedule",
};

/** Tolerations of daemon pods beyond their template: they also run on unhealthy nodes. */
export function daemonTolerations(spec: PodSpec | undefined): Toleration[] {
  const wanted = [...automatic, ...(spec?.hostNetwork ? [forHostNetwork] : [])];
  const given = spec?.tolerations ?? [];
  const same = (a: Toleration, b: Toleration): boolean =>
    a.key === b.key && a.effect === b.effect && a.operator === b.operator;
  return [...given, ...wanted.filter((each) => !given.some((own) => same(own, each)))];
}

/** The pod's affinity with a required node name. The scheduler does the rest. */
export function pinnedTo(node: string, spec: PodSpec): PodSpec {
  const matchFields = [{ key: "metadata.name", operator: "In", values: [node] }];
  const { affinity } = spec;
  const required = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  // Terms are alternatives, so each must have it.
  const nodeSelectorTerms = required?.nodeSelectorTerms.length
    ? required.nodeSelectorTerms.map((term) => ({ ...term, matchFields }))
    : [{ matchFields }];
  return {
    ...spec,
    affinity: {
      ...affinity,
      nodeAffinity: {
        ...affinity?.nodeAffinity,
        requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms },
      },
    },
  };
}

/** The node of a daemon pod, scheduled or not. */
export function nodeOf(pod: Pod): string | undefined {
  if (pod.spec?.nodeName) return pod.spec.nodeName;
  const terms =
    pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  const field = terms?.[0]?.matchFields?.find((each) => each.key === "metadata.name");
  return field?.values?.[0];
}

/** `run`: a pod should run there; `stay`: an existing one may stay. */
export function placement(set: DaemonSet, node: Node): { run: boolean; stay: boolean } {
  const spec = set.spec?.template.spec;
  const labels = node.metadata?.labels ?? {};
  const none = { run: false, stay: false };
  if (spec?.nodeName && spec.nodeName !== node.metadata?.name) return none;
  if (!Object.entries(spec?.nodeSelector ?? {}).every(([key, value]) => labels[key] === value)) return none;
  const required = spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  if (required && !matchesNodeSelector(required, node.metadata ?? {})) return none;
  const tolerations = daemonTolerations(spec);
  const open = (node.spec?.taints ?? []).filter(
    (taint) => taint.effect !== "PreferNoSchedule" && !tolerations.some((each) => tolerates(each, taint)),
  );
  return { run: open.length === 0, stay: open.every((taint) => taint.effect !== "NoExecute") };
}
