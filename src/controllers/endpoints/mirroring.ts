import type { Endpoints, EndpointSlice, Service } from "../../api/index.ts";
import { keyOf, type Outcome, settled, splitKey } from "../../client/index.ts";
import { isReason } from "../../machinery/index.ts";
import { type ControllerContext, newQueue, runLoop } from "../context.ts";
import { namespaceGoes } from "../failures.ts";
import { hasOwnEndpoints } from "./membership.ts";
import { isMirrored, mirrorManager, mirrorSlices, sameSlice } from "./mirror-plan.ts";
import { managedByLabel, serviceNameLabel } from "./slice-plan.ts";

/** Mirrors custom Endpoints of Services without a selector as EndpointSlices (KEP-752). */
export async function runEndpointSliceMirroring(context: ControllerContext): Promise<void> {
  const { client, informers } = context;
  const services = informers.of(client.services);
  const endpoints = informers.of(client.endpoints);
  const slices = informers.of(client.endpointSlices);
  const queue = newQueue(context);
  slices.addIndex("mirror", (slice) => (isMirror(slice) ? [sourceKey(slice)] : []));

  services.onChange((_type, service) => queue.add(keyOf(service)));
  endpoints.onChange((_type, object) => queue.add(keyOf(object)));
  slices.onChange((_type, slice, old) => {
    for (const each of [slice, old]) if (each && isMirror(each)) queue.add(sourceKey(each));
  });

  await runLoop(context, {
    name: "endpointslicemirroring",
    queue,
    workers: 2,
    needs: [services, endpoints, slices],
    async reconcile(key) {
      try {
        return await sync(key, services.get(key), endpoints.get(key));
      } catch (error) {
        if (namespaceGoes(error) || isReason(error, "NotFound")) return settled;
        throw error;
      }
    },
  });

  async function sync(
    key: string,
    service: Service | undefined,
    source: Endpoints | undefined,
  ): Promise<Outcome> {
    const { namespace } = splitKey(key);
    const present = [...slices.byIndex("mirror", key)];
    const wanted =
      service && source && !hasOwnEndpoints(service) && isMirrored(source) ? mirrorSlices(source) : [];
    const writes: Promise<unknown>[] = [];
    for (const slice of wanted) {
      // A slice is a family and its ports: what is left of one of them is used again.
      const at = present.findIndex((each) => each.addressType === slice.addressType);
      const [known] = at < 0 ? [] : present.splice(at, 1);
      if (!known) writes.push(client.endpointSlices.create(namespace, slice));
      else if (!sameSlice(known, slice))
        writes.push(
          client.endpointSlices.update(namespace, {
            ...known,
            metadata: {
              ...known.metadata,
              labels: slice.metadata?.labels,
              annotations: slice.metadata?.annotations,
            },
            endpoints: slice.endpoints,
            ports: slice.ports,
          }),
        );
    }
    for (const { metadata } of present)
      writes.push(
        client.endpointSlices.delete(namespace, metadata?.name ?? "", {
          preconditions: { uid: metadata?.uid },
        }),
      );
    await Promise.all(writes);
    return settled;
  }
}

const isMirror = (slice: EndpointSlice): boolean =>
  slice.metadata?.labels?.[managedByLabel] === mirrorManager;

const sourceKey = (slice: EndpointSlice): string =>
  `${slice.metadata?.namespace}/${slice.metadata?.labels?.[serviceNameLabel] ?? ""}`;
