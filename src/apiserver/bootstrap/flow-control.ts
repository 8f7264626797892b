/** The default FlowSchemas and PriorityLevelConfigurations (KEP-1040). */
import type { KubeObject } from "../../api/index.ts";

const apiVersion = "flowcontrol.apiserver.k8s.io/v1";
/** The server may update the spec; administrators take an object over by setting "false". */
const metadata = (name: string) => ({ name, annotations: { "apf.kubernetes.io/autoupdate-spec": "true" } });

/** Field managers of the objects, and of the FlowSchemas' condition. */
export const flowControlProducer = "api-priority-and-fairness-config-producer-v1";

type Queuing = readonly [queues: number, handSize: number];

function limited(name: string, shares: number, lendablePercent: number, queuing?: Queuing): KubeObject {
  const limitResponse = queuing
    ? { type: "Queue", queuing: { queues: queuing[0], handSize: queuing[1], queueLengthLimit: 50 } }
    : { type: "Reject" };
  return {
    apiVersion,
    kind: "PriorityLevelConfiguration",
    metadata: metadata(name),
    spec: { type: "Limited", limited: { nominalConcurrencyShares: shares, limitResponse, lendablePercent } },
  } as KubeObject;
}

export const priorityLevels: readonly KubeObject[] = [
  {
    apiVersion,
    kind: "PriorityLevelConfiguration",
    metadata: metadata("exempt"),
    spec: { type: "Exempt", exempt: { nominalConcurrencyShares: 0, lendablePercent: 0 } },
  } as KubeObject,
  limited("catch-all", 5, 0),
  limited("global-default", 20, 50, [128, 6]),
  limited("leader-election", 10, 0, [16, 4]),
  limited("node-high", 40, 25, [64, 6]),
  limited("system", 30, 33, [64, 6]),
  limited("workload-high", 40, 50, [128, 6]),
  limited("workload-low", 100, 90, [128, 6]),
];

const group = (name: string) => ({ kind: "Group", group: { name } });
const user = (name: string) => ({ kind: "User", user: { name } });
const systemAccounts = { kind: "ServiceAccount", serviceAccount: { namespace: "kube-system", name: "*" } };
const everybody = [group("system:unauthenticated"), group("system:authenticated")];

const anyResource = {
  verbs: ["*"],
  apiGroups: ["*"],
  resources: ["*"],
  clusterScope: true,
  namespaces: ["*"],
};
const anything = {
  resourceRules: [anyResource],
  nonResourceRules: [{ verbs: ["*"], nonResourceURLs: ["*"] }],
};
const leases = { apiGroups: ["coordination.k8s.io"], resources: ["leases"], namespaces: ["*"] };
const nodesAndLeases = {
  resourceRules: [
    { ...anyResource, apiGroups: [""], resources: ["nodes", "nodes/status"] },
    { verbs: ["*"], ...leases },
  ],
};
const elections = { resourceRules: [{ verbs: ["get", "create", "update"], ...leases }] };
const probes = {
  nonResourceRules: [{ verbs: ["get"], nonResourceURLs: ["/healthz", "/readyz", "/livez"] }],
};

function schema(
  name: string,
  level: string,
  matchingPrecedence: number,
  distinguisher: "ByUser" | "ByNamespace" | undefined,
  subjects: readonly object[],
  rules: object = anything,
): KubeObject {
  return {
    apiVersion,
    kind: "FlowSchema",
    metadata: metadata(name),
    spec: {
      priorityLevelConfiguration: { name: level },
      matchingPrecedence,
      ...(distinguisher && { distinguisherMethod: { type: distinguisher } }),
      rules: [{ subjects, ...rules }],
    },
  } as KubeObject;
}

const manager = user("system:kube-controller-manager");
const scheduler = user("system:kube-scheduler");
const electors = [manager, scheduler, systemAccounts];
const nodes = [group("system:nodes")];

export const flowSchemas: readonly KubeObject[] = [
  schema("exempt", "exempt", 1, undefined, [group("system:masters")]),
  schema("probes", "exempt", 2, undefined, everybody, probes),
  schema("system-leader-election", "leader-election", 100, "ByUser", electors, elections),
  schema("system-node-high", "node-high", 400, "ByUser", nodes, nodesAndLeases),
  schema("system-nodes", "system", 500, "ByUser", nodes),
  schema("kube-controller-manager", "workload-high", 800, "ByNamespace", [manager]),
  schema("kube-scheduler", "workload-high", 800, "ByNamespace", [scheduler]),
  schema("kube-system-service-accounts", "workload-high", 900, "ByNamespace", [systemAccounts]),
  schema("service-accounts", "workload-low", 9000, "ByUser", [group("system:serviceaccounts")]),
  schema("global-default", "global-default", 9900, "ByUser", everybody),
  schema("catch-all", "catch-all", 10_000, "ByUser", everybody),
];
