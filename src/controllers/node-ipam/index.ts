import type { Node } from "../../api/index.ts";
import { keyOf, type Outcome, settled } from "../../client/index.ts";
import { type Controller, newQueue, runLoop } from "../context.ts";
import { ignoreGone } from "../failures.ts";
import { freeRange } from "./ranges.ts";

const rangesOf = ({ spec }: Node): readonly string[] => spec?.podCIDRs ?? [];

/** Gives each node without one a range of pod addresses out of the cluster's range (`10.64.0.0/16`). */
export function nodeIpam(clusterCidr: string): Controller {
  return async (context) => {
    const { client, informers } = context;
    const nodes = informers.of(client.nodes);
    const recorder = context.recorder("cidrAllocator");
    const queue = newQueue(context);
    /** Given to nodes whose update the cache may not have seen yet. */
    const given = new Map<string, string>();
    /** Nodes that went without. */
    const waiting = new Set<string>();

    nodes.onChange((type, node) => {
      const key = keyOf(node);
      if (type !== "delete") {
        if (rangesOf(node).length === 0) queue.add(key);
        else given.delete(key);
        return;
      }
      given.delete(key);
      waiting.delete(key);
      for (const each of waiting) queue.add(each);
    });

    await runLoop(context, {
      name: "node-ipam",
      queue,
      workers: 1,
      needs: [nodes],
      async reconcile(key) {
        const node = nodes.get(key);
        return node && rangesOf(node).length === 0 ? await assign(key, node) : settled;
      },
    });

    async function assign(key: string, node: Node): Promise<Outcome> {
      const taken = nodes.list().flatMap(rangesOf);
      const range = given.get(key) ?? freeRange(clusterCidr, [...taken, ...given.values()]);
      if (range === undefined) {
        if (!waiting.has(key))
          recorder.event(node, "Normal", "CIDRNotAvailable", `Node ${key} status is now: CIDRNotAvailable`);
        waiting.add(key);
        return settled;
      }
      waiting.delete(key);
      given.set(key, range);
      const spec = { podCIDR: range, podCIDRs: [range] };
      await ignoreGone(client.nodes.patch(undefined, key, "strategic", { spec }));
      return settled;
    }
  };
}
