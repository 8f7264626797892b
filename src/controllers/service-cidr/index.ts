import type { IPAddress, ServiceCIDR } from "../../api/index.ts";
import { keyOf, settled } from "../../client/index.ts";
import { formatTime, isReason } from "../../machinery/index.ts";
import { type ControllerContext, newQueue, runLoop } from "../context.ts";
import { finalizer, nextStep } from "./reconcile.ts";

/** Field manager of conditions. */
const manager = "service-cidr-controller";

const readyMessage = "Kubernetes Service CIDR is ready";
const inUseMessage =
  "There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR";

/** Sets ServiceCIDRs' Ready condition, and blocks their deletion while Services have addresses only in them. */
export async function runServiceCidrs(context: ControllerContext): Promise<void> {
  const { client, informers, clock } = context;
  const group = "networking.k8s.io";
  const resource = client.resource<ServiceCIDR>(group, "v1", "servicecidrs", false);
  const cidrs = informers.of(resource);
  const addresses = informers.of(client.resource<IPAddress>(group, "v1", "ipaddresses", false));
  const queue = newQueue(context);
  const all = (): void => {
    for (const each of cidrs.list()) queue.add(keyOf(each));
  };
  // Ranges may overlap, so a change may affect all; there are few.
  cidrs.onChange(all);
  addresses.onChange((type) => {
    if (type === "delete") all();
  });

  async function condition(name: string, status: string, reason: string, message: string): Promise<void> {
    const lastTransitionTime = formatTime(clock.now());
    const body = {
      apiVersion: `${group}/v1`,
      kind: "ServiceCIDR",
      metadata: { name },
      status: { conditions: [{ type: "Ready", status, reason, message, lastTransitionTime }] },
    };
    const options = { subresource: "status", fieldManager: manager, force: true };
    await resource.patch(undefined, name, "apply", body, options);
  }

  async function finalizers(given: ServiceCIDR, change: (list: string[]) => string[]): Promise<void> {
    const metadata = { ...given.metadata, finalizers: change(given.metadata?.finalizers ?? []) };
    await resource.update(undefined, { ...given, metadata });
  }

  await runLoop(context, {
    name: manager,
    queue,
    workers: 1,
    needs: [cidrs, addresses],
    async reconcile(name) {
      const given = cidrs.get(name);
      if (!given) return settled;
      const step = nextStep(given, cidrs.list(), addresses.list(), clock.now());
      try {
        switch (step.kind) {
          case "hold":
            await finalizers(given, (list) => [...list, finalizer]);
            break;
          case "ready":
            await condition(name, "True", "", readyMessage);
            break;
          case "terminating":
            await condition(name, "False", "Terminating", inUseMessage);
            break;
          case "release":
            await finalizers(given, (list) => list.filter((each) => each !== finalizer));
            break;
          case "wait":
            return { kind: "again", afterMs: step.ms, why: "the grace after its deletion" };
          case "nothing":
        }
      } catch (error) {
        if (!isReason(error, "NotFound")) throw error;
      }
      return settled;
    },
  });
}
