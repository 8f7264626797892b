import type { EndpointSlice, Pod, Service } from "../../api/index.ts";
import { Expectations, keyOf, type Outcome, settled, splitKey } from "../../client/index.ts";
import { deepEqual, isReason } from "../../machinery/index.ts";
import { type ControllerContext, newQueue, runLoop } from "../context.ts";
import { ignoreMissing, namespaceGoes } from "../failures.ts";
import { isLeaving, isReady } from "../pods/state.ts";
import { desiredEndpoints } from "./legacy-plan.ts";
import { isElectionLock } from "./mirror-plan.ts";
import { hasOwnEndpoints, podAddresses, selects } from "./membership.ts";
import { managedByLabel, manager, planSlices, serviceNameLabel } from "./slice-plan.ts";
import { TriggerTimes, withTriggerTime } from "./trigger-times.ts";

/** Maintains EndpointSlices, and the older Endpoints, for the pods that Services select. */
export async function runEndpoints(context: ControllerContext): Promise<void> {
  const { client, informers, clock } = context;
  const services = informers.of(client.services);
  const pods = informers.of(client.pods);
  const nodes = informers.of(client.nodes);
  const slices = informers.of(client.endpointSlices);
  const legacy = informers.of(client.endpoints);
  const queue = newQueue(context);
  const expected = new Expectations(clock);
  const triggerTimes = new TriggerTimes();
  services.addIndex("namespace", (service) => [service.metadata?.namespace ?? ""]);
  pods.addIndex("namespace", (pod) => [pod.metadata?.namespace ?? ""]);
  slices.addIndex("service", (slice) => (isOwn(slice) ? [serviceKey(slice)] : []));

  services.onChange((_type, service) => queue.add(keyOf(service)));
  pods.onChange((type, pod, old) => {
    if (type === "update" && old && !matters(old, pod)) return;
    for (const service of services.byIndex("namespace", pod.metadata?.namespace ?? "")) {
      if (!hasOwnEndpoints(service)) continue;
      if (selects(service, pod) || (old && selects(service, old))) queue.add(keyOf(service));
    }
  });
  slices.onChange((type, slice, old) => {
    if (!isOwn(slice) && !(old && isOwn(old))) return;
    const key = serviceKey(slice);
    if (type === "add") expected.created(key);
    if (type === "delete") expected.deleted(key, slice.metadata?.uid ?? "");
    queue.add(key);
    if (old && serviceKey(old) !== key) queue.add(serviceKey(old));
  });
  legacy.onChange((_type, endpoints) => {
    if (services.get(keyOf(endpoints))) queue.add(keyOf(endpoints));
  });

  // At start, also for Services that were deleted while the controller was not running.
  const lookForLeftOvers = (): void => {
    for (const each of legacy.list()) if (!isElectionLock(each)) queue.add(keyOf(each));
  };
  // Stopped before that, there is nothing to look for.
  legacy.synced.then(lookForLeftOvers, () => {});

  await runLoop(context, {
    name: "endpoints",
    queue,
    workers: 5,
    needs: [services, pods, nodes, slices, legacy],
    async reconcile(key) {
      const service = services.get(key);
      if (!service) return await forget(key);
      if (service.metadata?.deletionTimestamp) return settled;
      try {
        return await sync(key, service);
      } catch (error) {
        if (namespaceGoes(error) || isReason(error, "NotFound")) return settled;
        throw error;
      }
    },
  });

  async function sync(key: string, service: Service): Promise<Outcome> {
    const namespace = service.metadata?.namespace;
    const own = slices.byIndex("service", key);
    // Without a selector its endpoints are managed by users, even those created when it had one.
    if (!hasOwnEndpoints(service)) return settled;
    const local = pods.byIndex("namespace", namespace ?? "");
    if (!expected.met(key)) {
      return { kind: "again", afterMs: expected.patience(key), why: "events of own writes are missing" };
    }
    const plan = planSlices(service, local, (name) => nodes.get(name), own);
    const selected = local.filter((pod) => selects(service, pod));
    const since = triggerTimes.next(key, service, selected);
    const dated = (slice: EndpointSlice): EndpointSlice => {
      const { annotations, ...metadata } = slice.metadata ?? {};
      return { ...slice, metadata: { ...metadata, ...withTriggerTime(annotations, since) } };
    };
    const writes: Promise<unknown>[] = [writeLegacy(key, service, local, since)];
    expected.creations(key, plan.create.length);
    for (const slice of plan.create) writes.push(createSlice(key, namespace, dated(slice)));
    for (const slice of plan.update) writes.push(client.endpointSlices.update(namespace, dated(slice)));
    writes.push(removeSlices(key, plan.remove));
    await all(writes);
    return settled;
  }

  async function createSlice(
    key: string,
    namespace: string | undefined,
    slice: EndpointSlice,
  ): Promise<void> {
    try {
      await client.endpointSlices.create(namespace, slice);
    } catch (error) {
      expected.created(key);
      throw error;
    }
  }

  async function removeSlices(key: string, gone: readonly EndpointSlice[]): Promise<void> {
    expected.deletions(
      key,
      gone.map((slice) => slice.metadata?.uid ?? ""),
    );
    await all(
      gone.map(async (slice) => {
        const { namespace, name = "", uid = "" } = slice.metadata ?? {};
        try {
          await client.endpointSlices.delete(namespace, name, { preconditions: { uid } });
        } catch (error) {
          expected.deleted(key, uid);
          if (!isReason(error, "NotFound")) throw error;
        }
      }),
    );
  }

  async function writeLegacy(
    key: string,
    service: Service,
    local: readonly Pod[],
    since: string | undefined,
  ): Promise<void> {
    const existing = legacy.get(key);
    const desired = desiredEndpoints(service, local, existing);
    const { annotations, ...metadata } = desired.metadata ?? {};
    const dated = { ...desired, metadata: { ...metadata, ...withTriggerTime(annotations, since) } };
    if (!existing) {
      try {
        await client.endpoints.create(service.metadata?.namespace, dated);
      } catch (error) {
        // Created concurrently: its event triggers another run.
        if (!isReason(error, "AlreadyExists")) throw error;
      }
      return;
    }
    const same =
      deepEqual(existing.subsets ?? [], desired.subsets ?? []) &&
      deepEqual(existing.metadata?.labels ?? {}, desired.metadata?.labels ?? {}) &&
      deepEqual(existing.metadata?.annotations ?? {}, desired.metadata?.annotations ?? {});
    if (!same) await client.endpoints.update(service.metadata?.namespace, dated);
  }

  /** The Service was deleted: deletes the Endpoints of the same name; the garbage collector deletes its slices. */
  async function forget(key: string): Promise<Outcome> {
    expected.forget(key);
    triggerTimes.forget(key);
    const existing = legacy.get(key);
    if (!existing) return settled;
    const { namespace, name } = splitKey(key);
    await ignoreMissing(
      client.endpoints.delete(namespace, name, { preconditions: { uid: existing.metadata?.uid } }),
    );
    return settled;
  }
}

const isOwn = (slice: EndpointSlice): boolean => slice.metadata?.labels?.[managedByLabel] === manager;

const serviceKey = (slice: EndpointSlice): string =>
  `${slice.metadata?.namespace}/${slice.metadata?.labels?.[serviceNameLabel] ?? ""}`;

/** The change may affect endpoints. */
function matters(old: Pod, pod: Pod): boolean {
  return (
    isReady(old) !== isReady(pod) ||
    isLeaving(old) !== isLeaving(pod) ||
    old.status?.phase !== pod.status?.phase ||
    old.spec?.nodeName !== pod.spec?.nodeName ||
    !deepEqual(podAddresses(old), podAddresses(pod)) ||
    !deepEqual(old.metadata?.labels, pod.metadata?.labels)
  );
}

/** Waits for all of them, then throws the first error. */
async function all(writes: readonly Promise<unknown>[]): Promise<void> {
  const results = await Promise.allSettled(writes);
  for (const result of results) if (result.status === "rejected") throw result.reason;
}
