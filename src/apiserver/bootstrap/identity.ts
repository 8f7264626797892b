/** A Lease in kube-system for every running API server (KEP-1965), and the deletion of expired ones. */
import { formatMicroTime } from "../../machinery/index.ts";
import { createHash } from "node:crypto";
import type { KubeObject, Lease } from "../../api/index.ts";
import type { ServerIdentity } from "../contract.ts";
import type { Core } from "../core.ts";
import { newUid } from "../uid.ts";
import { createObject } from "../verbs/create.ts";
import { updateObject } from "../verbs/update.ts";
import { quietly } from "./quietly.ts";
import { Repeated } from "./repeated.ts";
import { deleteAsServer, serverCall } from "./server-call.ts";

const namespace = "kube-system";
const manager = "kube-apiserver";
const label = "apiserver.kubernetes.io/identity";
const durationSeconds = 3600;
const renewMs = 10_000;
const sweepMs = 3600_000;

/** Stable for a host name: a hash of it and of the component's name, each prefixed by its length. */
export function identityName(hostname: string): string {
  const hash = createHash("sha256");
  for (const part of [hostname, manager].map((text) => Buffer.from(text))) {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(part.length);
    hash.update(length).update(part);
  }
  const digest = hash.digest().subarray(0, 16);
  return `apiserver-${base32(digest)}`;
}

const letters = "abcdefghijklmnopqrstuvwxyz234567";

function base32(bytes: Uint8Array): string {
  let text = "";
  let [value, bits] = [0, 0];
  for (const byte of bytes) {
    value = (value << 8) | byte;
    bits += 8;
    for (; bits >= 5; bits -= 5) text += letters[(value >> (bits - 5)) & 31];
    value &= (1 << bits) - 1;
  }
  return bits === 0 ? text : text + letters[(value << (5 - bits)) & 31];
}

/** Whether it has not been renewed for its duration; one without duration or renewal counts as expired. */
export const isExpired = ({ spec }: Lease, now: number): boolean =>
  spec?.renewTime === undefined ||
  spec.leaseDurationSeconds === undefined ||
  Date.parse(spec.renewTime) + spec.leaseDurationSeconds * 1000 < now;

/** `start` resolves when the Lease exists, or the first attempt failed; it is renewed until it is stopped. */
export function keepIdentity(core: Core, identity: ServerIdentity): Pick<Repeated, "start" | "stop"> {
  const { clock, log } = core;
  const renewing = new Repeated(
    clock,
    renewMs,
    () => renew(core, identity),
    (error) => log.warn("the server's own Lease could not be renewed", { error }),
  );
  const sweeping = new Repeated(
    clock,
    sweepMs,
    () => sweep(core),
    (error) => log.warn("Leases of servers that are gone could not be deleted", { error }),
  );
  return {
    async start() {
      await renewing.start();
      await sweeping.start();
    },
    stop() {
      renewing.stop();
      sweeping.stop();
    },
  };
}

async function renew(core: Core, { hostname, peerAddress }: ServerIdentity): Promise<void> {
  const leases = core.registry.find("coordination.k8s.io", "v1", "leases");
  if (!leases) return;
  const name = identityName(hostname);
  const labels = { [label]: manager, "kubernetes.io/hostname": hostname };
  const annotations =
    peerAddress === undefined ? {} : { "kubernetes.io/peer-advertise-address": peerAddress };
  const renewTime = formatMicroTime(core.clock.now());
  const entry = leases.cache.get(leases.key(namespace, name));
  await quietly(() =>
    entry
      ? updateObject(serverCall(core, leases, namespace, name), (present) => {
          const lease = present.copy() as Lease;
          const { metadata = {} } = lease;
          return {
            ...lease,
            metadata: {
              ...metadata,
              labels: { ...metadata.labels, ...labels },
              ...(peerAddress === undefined
                ? {}
                : { annotations: { ...metadata.annotations, ...annotations } }),
            },
            spec: { ...lease.spec, renewTime },
          } as KubeObject;
        })
      : createObject(serverCall(core, leases, namespace, ""), {
          apiVersion: "coordination.k8s.io/v1",
          kind: "Lease",
          metadata: { name, namespace, labels, ...(peerAddress === undefined ? {} : { annotations }) },
          spec: {
            holderIdentity: `${name}_${newUid()}`,
            leaseDurationSeconds: durationSeconds,
            renewTime,
          },
        } as KubeObject),
  );
}

async function sweep(core: Core): Promise<void> {
  const leases = core.registry.find("coordination.k8s.io", "v1", "leases");
  for (const lease of core.caches.list<Lease>("coordination.k8s.io", "leases", namespace)) {
    const { name = "", labels } = lease.metadata ?? {};
    if (!leases || labels?.[label] !== manager || !isExpired(lease, core.clock.now())) continue;
    await quietly(() => deleteAsServer(core, leases, namespace, name));
  }
}
