import assert from "node:assert/strict";
import { test } from "node:test";
import type { Node, Pod, PodDisruptionBudget } from "../api/index.ts";
import { ClusterState } from "./cluster-state.ts";
import { decide } from "./decide.ts";
import { failureMessage } from "./failure-message.ts";
import { podInfo } from "./pod-info.ts";
import { planPreemption } from "./preemption.ts";
import type { Snapshot } from "./snapshot.ts";

function node(name: string, change: Partial<Node> = {}): Node {
  return {
    metadata: { name, labels: { name } },
    status: { allocatable: { cpu: "2", memory: "4Gi", pods: "110" } },
    ...change,
  };
}

function pod(name: string, cpu: string, priority: number, nodeName?: string, change: Partial<Pod> = {}): Pod {
  return {
    metadata: { name, namespace: "default", uid: name, labels: { name }, ...change.metadata },
    spec: {
      containers: [{ name: "c", resources: { requests: { cpu } } }],
      priority,
      ...(nodeName ? { nodeName } : {}),
      ...change.spec,
    },
    status: change.status ?? {},
  };
}

function cluster(nodes: Node[], pods: Pod[]): { state: ClusterState; snapshot: Snapshot } {
  const state = new ClusterState();
  for (const one of nodes) state.setNode(one);
  for (const one of pods) state.setPod(one);
  const snapshot: Snapshot = {
    nodes: state.nodes,
    namespaceLabels: () => ({}),
    storage: {
      claim: () => undefined,
      volume: () => undefined,
      storageClass: () => undefined,
      availableVolumes: () => [],
    },
    owners: { services: () => [], replicaSet: () => undefined },
  };
  return { state, snapshot };
}

const leaving: Partial<Pod> = {
  metadata: { name: "x", uid: "x", namespace: "default", deletionTimestamp: "2026-01-01T00:00:00Z" },
  status: { conditions: [{ type: "DisruptionTarget", status: "True", reason: "PreemptionByScheduler" }] },
};

function plan(newcomer: Pod, nodes: Node[], pods: Pod[], budgets: PodDisruptionBudget[] = []): string {
  const { snapshot } = cluster(nodes, pods);
  const info = podInfo(newcomer);
  const decision = decide(info, snapshot, { random: () => 0 });
  if (decision.kind === "node") return `fits ${decision.node}`;
  const outcome = planPreemption(info, snapshot, decision.diagnosis, budgets);
  if (outcome.kind === "wait") return "wait";
  if (outcome.kind === "none") return failureMessage(decision.diagnosis, outcome.message);
  return `${outcome.node}: ${outcome.victims.map((victim) => victim.uid).join(" ")}`;
}

const budget = (name: string, disruptionsAllowed: number): PodDisruptionBudget => ({
  metadata: { name, namespace: "default" },
  spec: { selector: { matchLabels: { name } } },
  status: { disruptionsAllowed, currentHealthy: 1, desiredHealthy: 1, expectedPods: 1 },
});

const cases: [what: string, got: () => string, want: string][] = [
  [
    "nobody is less important",
    () => plan(pod("p", "1", 0), [node("a")], [pod("x", "2", 0, "a")]),
    "0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.",
  ],
  [
    "more than the node has: eviction does not help",
    () => plan(pod("p", "3", 9), [node("a")], [pod("x", "2", 0, "a")]),
    "0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.",
  ],
  [
    "the least important goes",
    () => plan(pod("p", "1", 9), [node("a")], [pod("x", "1", 5, "a"), pod("y", "1", 1, "a")]),
    "a: y",
  ],
  [
    "as few as needed",
    () =>
      plan(
        pod("p", "1", 9),
        [node("a")],
        [pod("x", "500m", 1, "a"), pod("y", "1", 1, "a"), pod("z", "500m", 1, "a")],
      ),
    "a: y",
  ],
  [
    "the node whose victims matter least",
    () => plan(pod("p", "2", 9), [node("a"), node("b")], [pod("x", "2", 5, "a"), pod("y", "2", 3, "b")]),
    "b: y",
  ],
  [
    "a budget weighs more than priority",
    () =>
      plan(
        pod("p", "2", 9),
        [node("a"), node("b")],
        [pod("x", "2", 5, "a"), pod("y", "2", 3, "b")],
        [budget("y", 0)],
      ),
    "a: x",
  ],
  [
    "no second round while victims leave",
    () =>
      plan(
        pod("p", "2", 9, undefined, { status: { nominatedNodeName: "a" } }),
        [node("a")],
        [pod("x", "2", 1, "a", leaving)],
      ),
    "wait",
  ],
];

for (const [what, got, want] of cases) {
  test(`preemption: ${what}`, () => assert.equal(got(), want));
}

test("preemption: a policy of never", () => {
  const newcomer = pod("p", "1", 9);
  if (newcomer.spec) newcomer.spec.preemptionPolicy = "Never";
  assert.equal(
    plan(newcomer, [node("a")], [pod("x", "2", 0, "a")]),
    "0/1 nodes are available: 1 Insufficient cpu. preemption: not eligible due to preemptionPolicy=Never.",
  );
});

test("preemption: what was promised stays promised while victims leave, and when they have left", () => {
  const { state, snapshot } = cluster([node("a")], [pod("x", "2", 1, "a", leaving), pod("y", "0", 0, "a")]);
  const info = podInfo(pod("p", "2", 9));
  const decision = decide(info, snapshot, { random: () => 0 });
  assert.ok(decision.kind === "unschedulable");
  const planned = () => planPreemption(info, snapshot, decision.diagnosis, [], "a");
  assert.equal(planned().kind, "wait");
  // Budgets were read meanwhile.
  state.removePod("x");
  const later = planned();
  assert.ok(later.kind === "none" && later.room);
  state.setPod(pod("z", "2", 9, "a"));
  const taken = planned();
  assert.ok(taken.kind === "none" && !taken.room);
});
