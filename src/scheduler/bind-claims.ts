import type { Node, PersistentVolumeClaim } from "../api/index.ts";
import type { Client } from "../client/index.ts";
import type { Clock } from "../machinery/index.ts";
import { type ClaimPlan, claimNames, isBound, planClaims } from "./claims.ts";
import type { ClusterState } from "./cluster-state.ts";
import type { PodInfo } from "./pod-info.ts";
import type { StorageView } from "./snapshot.ts";

/** How long binding claims may take before the pod is scheduled again (bindTimeoutSeconds of Kubernetes). */
const bindTimeoutMs = 600_000;

const selectedNode = "volume.kubernetes.io/selected-node";

/** Waits for changes that informers report. */
export class ClaimWaiter {
  readonly #waiting = new Map<string, Set<() => void>>();

  /** A claim with this key changed or was deleted. */
  changed(key: string): void {
    for (const look of this.#waiting.get(key) ?? []) look();
  }

  /** Resolves when `done` returns true; rejects when it throws, after the timeout, or on abort. */
  async until(
    key: string,
    done: () => boolean,
    clock: Clock,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const look = (): void => {
      try {
        if (done()) resolve();
      } catch (error) {
        reject(error);
      }
    };
    const lookers = this.#waiting.get(key) ?? new Set();
    this.#waiting.set(key, lookers.add(look));
    const timer = clock.timer(timeoutMs, () =>
      reject(new Error(`binding volumes: persistentvolumeclaim "${key}" was not bound in time`)),
    );
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    look();
    try {
      await promise;
    } finally {
      timer.stop();
      signal.removeEventListener("abort", onAbort);
      lookers.delete(look);
      if (lookers.size === 0) this.#waiting.delete(key);
    }
  }
}

/** The plan for claims that wait for their first consumer, at the time of the decision. */
export function planForNode(pod: PodInfo, node: Node, storage: StorageView): ClaimPlan {
  const unbound: PersistentVolumeClaim[] = [];
  for (const { name } of claimNames(pod.pod)) {
    const claim = storage.claim(pod.namespace, name);
    if (claim && !isBound(claim)) unbound.push(claim);
  }
  if (unbound.length === 0) return { give: [], provision: [] };
  return planClaims(unbound, node, storage) ?? { give: [], provision: [] };
}

export function promise(plan: ClaimPlan, state: ClusterState): void {
  for (const { claim, volume } of plan.give) {
    state.promised.set(volume.metadata?.name ?? "", `${claim.metadata?.namespace}/${claim.metadata?.name}`);
  }
}

export function release(plan: ClaimPlan, state: ClusterState): void {
  for (const { volume } of plan.give) state.promised.delete(volume.metadata?.name ?? "");
}

/**
 * Carries out the plan and waits until every claim is bound: an existing volume gets the claim's reference, a claim to
 * provision gets the node's name; the persistent volume controller and the provisioner do the rest.
 */
export async function bindClaims(
  plan: ClaimPlan,
  node: string,
  storage: StorageView,
  waiter: ClaimWaiter,
  client: Client,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  for (const { claim, volume } of plan.give) {
    if (volume.spec?.claimRef?.uid === claim.metadata?.uid && claim.metadata?.uid) continue;
    await client.persistentVolumes.patch(undefined, volume.metadata?.name ?? "", "merge", {
      metadata: {
        resourceVersion: volume.metadata?.resourceVersion,
        annotations: { "pv.kubernetes.io/bound-by-controller": "yes" },
      },
      spec: {
        claimRef: {
          apiVersion: "v1",
          kind: "PersistentVolumeClaim",
          namespace: claim.metadata?.namespace,
          name: claim.metadata?.name,
          uid: claim.metadata?.uid,
        },
      },
    });
  }
  for (const claim of plan.provision) {
    if (claim.metadata?.annotations?.[selectedNode] === node) continue;
    await client.persistentVolumeClaims.patch(
      claim.metadata?.namespace,
      claim.metadata?.name ?? "",
      "merge",
      {
        metadata: { annotations: { [selectedNode]: node } },
      },
    );
  }
  let annotated = new Set<string>();
  for (const claim of [...plan.give.map((given) => given.claim), ...plan.provision]) {
    const namespace = claim.metadata?.namespace ?? "";
    const name = claim.metadata?.name ?? "";
    const provisioned = plan.provision.includes(claim);
    const done = (): boolean => {
      const now = storage.claim(namespace, name);
      // The cache may not have the claim's newest version yet, but a deleted claim does not return.
      if (!now || now.metadata?.uid !== claim.metadata?.uid) {
        throw new Error(`persistentvolumeclaim "${name}" not found`);
      }
      if (isBound(now)) return true;
      const at = now.metadata?.annotations?.[selectedNode];
      if (at === node) annotated = annotated.add(name);
      // A provisioner that gives up removes the annotation: schedule again.
      else if (provisioned && annotated.has(name)) throw new Error(`provisioning failed for PVC "${name}"`);
      return false;
    };
    await waiter.until(`${namespace}/${name}`, done, clock, bindTimeoutMs, signal);
  }
}
