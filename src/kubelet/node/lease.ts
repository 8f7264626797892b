import type { Lease, Node } from "../../api/index.ts";
import type { Client } from "../../client/index.ts";
import { type Clock, formatMicroTime, isReason, type Logger } from "../../machinery/index.ts";

export const leaseNamespace = "kube-node-lease";
const durationSeconds = 40;
const renewMs = 10_000;
const retryMs = 200;

/** Renews the node's lease, its heartbeat, until the signal. */
export async function keepLease(options: {
  client: Client;
  clock: Clock;
  log: Logger;
  signal: AbortSignal;
  nodeName: string;
  node(): Node | undefined;
}): Promise<void> {
  const { client, clock, log, signal, nodeName } = options;
  let lease: Lease | undefined;
  while (!signal.aborted) {
    let wait = renewMs;
    try {
      lease = await renew(client, clock, nodeName, options.node(), lease);
    } catch (error) {
      if (signal.aborted) return;
      lease = undefined;
      wait = isReason(error, "NotFound") || isReason(error, "Conflict") ? retryMs : renewMs / 10;
      log.debug("node lease not renewed", { error });
    }
    await clock.sleep(wait, signal).catch(() => {});
  }
}

async function renew(
  client: Client,
  clock: Clock,
  name: string,
  node: Node | undefined,
  known: Lease | undefined,
): Promise<Lease> {
  const renewTime = formatMicroTime(clock.now());
  if (!known) {
    try {
      known = await client.leases.get(leaseNamespace, name);
    } catch (error) {
      if (!isReason(error, "NotFound")) throw error;
      return await client.leases.create(leaseNamespace, {
        apiVersion: "coordination.k8s.io/v1",
        kind: "Lease",
        metadata: {
          name,
          namespace: leaseNamespace,
          ...(node?.metadata?.uid
            ? { ownerReferences: [{ apiVersion: "v1", kind: "Node", name, uid: node.metadata.uid }] }
            : {}),
        },
        spec: { holderIdentity: name, leaseDurationSeconds: durationSeconds, renewTime },
      });
    }
  }
  const spec = { ...known.spec, holderIdentity: name, leaseDurationSeconds: durationSeconds, renewTime };
  return await client.leases.update(leaseNamespace, { ...known, spec });
}
