import type { KubeObject, Pod, PodDisruptionBudget } from "../../api/index.ts";
import { controllerOf, keyOf, settled } from "../../client/index.ts";
import { type Matcher, selectorFromObject } from "../../machinery/index.ts";
import { type ControllerContext, newQueue, runLoop } from "../context.ts";
import { ignoreMissing } from "../failures.ts";
import { budgetStatus, sameBudgetStatus } from "./reconcile.ts";

interface Scaled extends KubeObject {
  spec?: { replicas?: number };
}

/** Computes in the status of every PodDisruptionBudget how many pods may be evicted. */
export async function runDisruptionBudgets(context: ControllerContext): Promise<void> {
  const { client, informers, clock } = context;
  const resource = client.resource<PodDisruptionBudget>("policy", "v1", "poddisruptionbudgets");
  const budgets = informers.of(resource);
  const pods = informers.of(client.pods);
  const sets = informers.of(client.replicaSets);
  const scaled = {
    "apps/Deployment": informers.of(client.deployments),
    "apps/ReplicaSet": sets,
    "apps/StatefulSet": informers.of(client.resource<Scaled>("apps", "v1", "statefulsets")),
    "/ReplicationController": informers.of(client.resource<Scaled>("", "v1", "replicationcontrollers")),
  };
  const queue = newQueue(context);
  budgets.addIndex("namespace", (budget) => [budget.metadata?.namespace ?? ""]);
  pods.addIndex("namespace", (pod) => [pod.metadata?.namespace ?? ""]);

  budgets.onChange((_type, budget) => queue.add(keyOf(budget)));
  pods.onChange((_type, pod, old) => {
    for (const budget of budgets.byIndex("namespace", pod.metadata?.namespace ?? "")) {
      const selector = selectorOf(budget);
      if (selector.matches(pod.metadata?.labels) || (old && selector.matches(old.metadata?.labels))) {
        queue.add(keyOf(budget));
      }
    }
  });
  for (const informer of Object.values(scaled)) {
    informer.onChange((_type, set: Scaled, old?: Scaled) => {
      if (old && old.spec?.replicas === set.spec?.replicas) return;
      for (const budget of budgets.byIndex("namespace", set.metadata?.namespace ?? ""))
        queue.add(keyOf(budget));
    });
  }

  await runLoop(context, {
    name: "disruption",
    queue,
    workers: 2,
    needs: [budgets, pods, ...Object.values(scaled)],
    reconcile: async (key) => {
      const budget = budgets.get(key);
      if (!budget) return settled;
      const namespace = budget.metadata?.namespace ?? "";
      const selector = selectorOf(budget);
      const mine = pods
        .byIndex("namespace", namespace)
        .filter((pod) => selector.matches(pod.metadata?.labels));
      const facts = { budget, pods: mine, expected: expectedPods(budget, mine), now: clock.now() };
      const { status, nextMs } = budgetStatus(facts);
      if (!sameBudgetStatus(budget.status, status)) {
        await ignoreMissing(resource.updateStatus(namespace, { ...budget, status }));
      }
      if (nextMs === undefined) return settled;
      return { kind: "again", afterMs: nextMs, why: "an eviction was allowed" };
    },
  });

  /** An absolute minAvailable counts existing pods; everything else needs the expected number. */
  function expectedPods(budget: PodDisruptionBudget, mine: readonly Pod[]): number | Error {
    const { minAvailable, maxUnavailable } = budget.spec ?? {};
    if (maxUnavailable === undefined && typeof minAvailable !== "string") return mine.length;
    const replicas = new Map<string, number>();
    for (const pod of mine) {
      const owner = controllerOf(pod);
      if (!owner) continue;
      const namespace = pod.metadata?.namespace;
      let reference = owner;
      if (owner.kind === "ReplicaSet") {
        const set = sets.get(`${namespace}/${owner.name}`);
        reference = (set && set.metadata?.uid === owner.uid && controllerOf(set)) || owner;
      }
      const group = reference.apiVersion.includes("/") ? reference.apiVersion.split("/")[0] : "";
      const informer = scaled[`${group}/${reference.kind}` as keyof typeof scaled];
      if (!informer) {
        return new Error(
          `found controller of kind ${reference.kind} that does not implement the scale subresource`,
        );
      }
      const set: Scaled | undefined = informer.get(`${namespace}/${reference.name}`);
      if (set && set.metadata?.uid === reference.uid) replicas.set(reference.uid, set.spec?.replicas ?? 1);
    }
    let sum = 0;
    for (const count of replicas.values()) sum += count;
    return sum;
  }
}

/** In policy/v1 an empty selector selects every pod of the namespace; none at all selects nothing. */
const selectorOf = (budget: PodDisruptionBudget): Matcher => selectorFromObject(budget.spec?.selector);
