import assert from "node:assert/strict";
import { test } from "node:test";
import type { Node, PersistentVolume, PersistentVolumeClaim, Pod, StorageClass } from "../api/index.ts";
import { ClusterState } from "./cluster-state.ts";
import { type Decision, decide } from "./decide.ts";
import { failureMessage } from "./failure-message.ts";
import { podInfo } from "./pod-info.ts";
import type { Snapshot } from "./snapshot.ts";

interface World {
  nodes: Node[];
  pods?: Pod[];
  claims?: PersistentVolumeClaim[];
  volumes?: PersistentVolume[];
  classes?: StorageClass[];
}

function node(name: string, change: Partial<Node> = {}): Node {
  return {
    metadata: { name, labels: { "kubernetes.io/hostname": name, ...change.metadata?.labels } },
    spec: change.spec ?? {},
    status: { allocatable: { cpu: "2", memory: "4Gi", pods: "110", ...change.status?.allocatable } },
  };
}

let serial = 0;
function pod(
  name: string,
  spec: Partial<NonNullable<Pod["spec"]>> = {},
  labels: Record<string, string> = {},
): Pod {
  const containers = [{ name: "c", image: "i" }];
  return {
    metadata: { name, namespace: "default", uid: `uid-${name}-${serial++}`, labels },
    spec: { containers, ...spec },
    status: {},
  };
}

function requesting(requests: Record<string, string>): Partial<NonNullable<Pod["spec"]>> {
  return { containers: [{ name: "c", image: "i", resources: { requests } }] };
}

function snapshotOf(world: World): Snapshot {
  const state = new ClusterState();
  for (const one of world.nodes) state.setNode(one);
  for (const one of world.pods ?? []) state.setPod(one);
  return {
    nodes: state.nodes,
    namespaceLabels: (name) => ({ "kubernetes.io/metadata.name": name }),
    storage: {
      claim: (_, name) => world.claims?.find((claim) => claim.metadata?.name === name),
      volume: (name) => world.volumes?.find((volume) => volume.metadata?.name === name),
      storageClass: (name) => world.classes?.find((one) => one.metadata?.name === name),
      availableVolumes: (name) =>
        (world.volumes ?? []).filter((v) => (v.spec?.storageClassName ?? "") === name),
    },
    owners: { services: () => [], replicaSet: () => undefined },
  };
}

function run(newcomer: Pod, world: World): string {
  const decision: Decision = decide(podInfo(newcomer), snapshotOf(world), { random: () => 0 });
  return decision.kind === "node" ? decision.node : failureMessage(decision.diagnosis, "");
}

const on = (name: string, one: Pod): Pod => ({
  ...one,
  spec: { ...one.spec, nodeName: name } as Pod["spec"],
});
const none = (count: number, why: string): string => `0/${count} nodes are available: ${why}.`;
const zone = (name: string, z: string): Node => node(name, { metadata: { labels: { zone: z } } });
const claim = (
  name: string,
  spec: PersistentVolumeClaim["spec"],
  phase = "Pending",
): PersistentVolumeClaim => ({
  metadata: { name, namespace: "default", uid: name },
  spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } }, ...spec },
  status: { phase },
});
const uses = (name: string): Partial<NonNullable<Pod["spec"]>> => ({
  volumes: [{ name: "v", persistentVolumeClaim: { claimName: name } }],
});
const near = (key: string, app: string) => ({ topologyKey: key, labelSelector: { matchLabels: { app } } });

const cases: [what: string, newcomer: Pod, world: World, want: string][] = [
  ["no node at all", pod("p"), { nodes: [] }, "no nodes available to schedule pods"],
  ["the only node", pod("p"), { nodes: [node("a")] }, "a"],
  [
    "requests above what is left",
    pod("p", requesting({ cpu: "1500m" })),
    { nodes: [node("a")], pods: [on("a", pod("q", requesting({ cpu: "1" })))] },
    none(1, "1 Insufficient cpu"),
  ],
  [
    "several reasons are counted and sorted",
    pod("p", requesting({ cpu: "3", memory: "5Gi" })),
    { nodes: [node("a"), node("b", { spec: { unschedulable: true } })] },
    none(2, "1 Insufficient cpu, 1 Insufficient memory, 1 node(s) were unschedulable"),
  ],
  [
    "extended resources",
    pod("p", requesting({ "example.com/gpu": "1" })),
    { nodes: [node("a"), node("b", { status: { allocatable: { "example.com/gpu": "1" } } })] },
    "b",
  ],
  [
    "the largest init container counts, sidecars add up",
    pod("p", {
      containers: [{ name: "c", resources: { requests: { cpu: "500m" } } }],
      initContainers: [
        { name: "s", restartPolicy: "Always", resources: { requests: { cpu: "1" } } },
        { name: "i", resources: { requests: { cpu: "1100m" } } },
      ],
    }),
    { nodes: [node("a")] },
    none(1, "1 Insufficient cpu"),
  ],
  [
    "overhead is on top",
    pod("p", { ...requesting({ cpu: "1500m" }), overhead: { cpu: "600m" } }),
    { nodes: [node("a")] },
    none(1, "1 Insufficient cpu"),
  ],
  [
    "too many pods",
    pod("p"),
    { nodes: [node("a", { status: { allocatable: { pods: "1" } } })], pods: [on("a", pod("q"))] },
    none(1, "1 Too many pods"),
  ],
  [
    "finished pods hold nothing",
    pod("p", requesting({ cpu: "2" })),
    {
      nodes: [node("a")],
      pods: [{ ...on("a", pod("q", requesting({ cpu: "2" }))), status: { phase: "Succeeded" } }],
    },
    "a",
  ],
  [
    "nodeSelector",
    pod("p", { nodeSelector: { zone: "two" } }),
    { nodes: [zone("a", "one"), zone("b", "two")] },
    "b",
  ],
  [
    "nodeSelector that nobody has",
    pod("p", { nodeSelector: { zone: "three" } }),
    { nodes: [zone("a", "one"), zone("b", "two")] },
    none(2, "2 node(s) didn't match Pod's node affinity/selector"),
  ],
  [
    "matchFields by name",
    pod("p", {
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ matchFields: [{ key: "metadata.name", operator: "In", values: ["b"] }] }],
          },
        },
      },
    }),
    { nodes: [node("a"), node("b")] },
    "b",
  ],
  [
    "preferred node affinity",
    pod("p", {
      affinity: {
        nodeAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [
            {
              weight: 10,
              preference: { matchExpressions: [{ key: "zone", operator: "In", values: ["two"] }] },
            },
          ],
        },
      },
    }),
    { nodes: [zone("a", "one"), zone("b", "two")] },
    "b",
  ],
  [
    "taint without toleration",
    pod("p"),
    { nodes: [node("a", { spec: { taints: [{ key: "k", value: "v", effect: "NoSchedule" }] } })] },
    none(1, "1 node(s) had untolerated taint(s)"),
  ],
  [
    "taint with toleration",
    pod("p", { tolerations: [{ key: "k", operator: "Exists" }] }),
    { nodes: [node("a", { spec: { taints: [{ key: "k", value: "v", effect: "NoExecute" }] } })] },
    "a",
  ],
  [
    "PreferNoSchedule is avoided",
    pod("p"),
    { nodes: [node("a", { spec: { taints: [{ key: "k", effect: "PreferNoSchedule" }] } }), node("b")] },
    "b",
  ],
  [
    "a host port on all addresses conflicts with one on a single address",
    pod("p", {
      containers: [{ name: "c", ports: [{ containerPort: 80, hostPort: 80, hostIP: "127.0.0.1" }] }],
    }),
    {
      nodes: [node("a")],
      pods: [
        on("a", pod("q", { containers: [{ name: "c", ports: [{ containerPort: 80, hostPort: 80 }] }] })),
      ],
    },
    none(1, "1 node(s) didn't have free ports for the requested pod ports"),
  ],
  [
    "the same host port with another protocol is free",
    pod("p", { containers: [{ name: "c", ports: [{ containerPort: 80, hostPort: 80, protocol: "UDP" }] }] }),
    {
      nodes: [node("a")],
      pods: [
        on("a", pod("q", { containers: [{ name: "c", ports: [{ containerPort: 80, hostPort: 80 }] }] })),
      ],
    },
    "a",
  ],
  [
    "spread: the emptier zone",
    pod(
      "p",
      {
        topologySpreadConstraints: [{ maxSkew: 1, whenUnsatisfiable: "DoNotSchedule", ...near("zone", "x") }],
      },
      { app: "x" },
    ),
    { nodes: [zone("a", "one"), zone("b", "two")], pods: [on("a", pod("q", {}, { app: "x" }))] },
    "b",
  ],
  [
    "spread: nowhere without exceeding the skew",
    pod(
      "p",
      {
        nodeSelector: { zone: "one" },
        topologySpreadConstraints: [
          {
            maxSkew: 1,
            whenUnsatisfiable: "DoNotSchedule",
            nodeAffinityPolicy: "Ignore",
            ...near("zone", "x"),
          },
        ],
      },
      { app: "x" },
    ),
    { nodes: [zone("a", "one"), zone("b", "two")], pods: [on("a", pod("q", {}, { app: "x" }))] },
    none(
      2,
      "1 node(s) didn't match Pod's node affinity/selector, 1 node(s) didn't match pod topology spread constraints",
    ),
  ],
  [
    "affinity to a pod",
    pod("p", {
      affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [near("zone", "x")] } },
    }),
    { nodes: [zone("a", "one"), zone("b", "two")], pods: [on("b", pod("q", {}, { app: "x" }))] },
    "b",
  ],
  [
    "affinity to its own kind, as the first of it",
    pod(
      "p",
      { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [near("zone", "x")] } } },
      { app: "x" },
    ),
    { nodes: [zone("a", "one")] },
    "a",
  ],
  [
    "affinity to nobody",
    pod("p", {
      affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [near("zone", "x")] } },
    }),
    { nodes: [zone("a", "one")] },
    none(1, "1 node(s) didn't match pod affinity rules"),
  ],
  [
    "anti-affinity of the newcomer",
    pod("p", {
      affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [near("zone", "x")] } },
    }),
    { nodes: [zone("a", "one")], pods: [on("a", pod("q", {}, { app: "x" }))] },
    none(1, "1 node(s) didn't match pod anti-affinity rules"),
  ],
  [
    "anti-affinity of a pod that is there",
    pod("p", {}, { app: "x" }),
    {
      nodes: [zone("a", "one")],
      pods: [
        on(
          "a",
          pod("q", {
            affinity: {
              podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [near("zone", "x")] },
            },
          }),
        ),
      ],
    },
    none(1, "1 node(s) didn't satisfy existing pods anti-affinity rules"),
  ],
  [
    "a missing claim",
    pod("p", uses("data")),
    { nodes: [node("a")] },
    none(1, `persistentvolumeclaim "data" not found`),
  ],
  [
    "an unbound immediate claim",
    pod("p", uses("data")),
    { nodes: [node("a")], claims: [claim("data", {})] },
    none(1, "pod has unbound immediate PersistentVolumeClaims"),
  ],
  [
    "a claim that waits for its consumer and can be provisioned",
    pod("p", uses("data")),
    {
      nodes: [node("a")],
      claims: [claim("data", { storageClassName: "local" })],
      classes: [{ metadata: { name: "local" }, provisioner: "x", volumeBindingMode: "WaitForFirstConsumer" }],
    },
    "a",
  ],
  [
    "a claim that waits, of a class without provisioner and without volumes",
    pod("p", uses("data")),
    {
      nodes: [node("a")],
      claims: [claim("data", { storageClassName: "local" })],
      classes: [
        {
          metadata: { name: "local" },
          provisioner: "kubernetes.io/no-provisioner",
          volumeBindingMode: "WaitForFirstConsumer",
        },
      ],
    },
    none(1, "1 node(s) didn't find available persistent volumes to bind"),
  ],
  [
    "a bound volume of another node",
    pod("p", uses("data")),
    {
      nodes: [node("a"), node("b")],
      claims: [claim("data", { volumeName: "pv" }, "Bound")],
      volumes: [
        {
          metadata: { name: "pv" },
          spec: {
            nodeAffinity: {
              required: {
                nodeSelectorTerms: [
                  { matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: ["b"] }] },
                ],
              },
            },
          },
        },
      ],
    },
    "b",
  ],
  [
    "the emptier node is better",
    pod("p"),
    { nodes: [node("a"), node("b")], pods: [on("a", pod("q", requesting({ cpu: "1", memory: "1Gi" })))] },
    "b",
  ],
];

for (const [what, newcomer, world, want] of cases) {
  test(`decision: ${what}`, () => assert.equal(run(newcomer, world), want));
}

test("a nominated node is taken when the pod fits there", () => {
  const newcomer: Pod = { ...pod("p"), status: { nominatedNodeName: "b" } };
  const world: World = { nodes: [node("a"), node("b")], pods: [on("b", pod("q", requesting({ cpu: "1" })))] };
  assert.equal(run(newcomer, world), "b");
});

test("room that preemption made is not given to less important pods", () => {
  const rival = podInfo({ ...pod("rival", { ...requesting({ cpu: "2" }), priority: 10 }) });
  const options = { random: () => 0, nominated: () => [rival] };
  const snapshot = snapshotOf({ nodes: [node("a")] });
  const small = decide(podInfo(pod("p", requesting({ cpu: "1" }))), snapshot, options);
  assert.equal(small.kind, "unschedulable");
  const vip = decide(podInfo(pod("v", { ...requesting({ cpu: "1" }), priority: 20 })), snapshot, options);
  assert.equal(vip.kind, "node");
});

test("large clusters are searched in part, and the search moves on", () => {
  const nodes = Array.from({ length: 1000 }, (_, i) => node(`n${i}`));
  const cursor = { at: 0 };
  const snapshot = snapshotOf({ nodes });
  decide(podInfo(pod("p")), snapshot, { random: () => 0, cursor });
  assert.equal(cursor.at, 420);
});
