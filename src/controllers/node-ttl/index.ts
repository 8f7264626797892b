import { keyOf, settled } from "../../client/index.ts";
import { type ControllerContext, newQueue, runLoop } from "../context.ts";
import { ignoreGone } from "../failures.ts";
import { secondsOf, stepAfter } from "./steps.ts";

const annotation = "node.alpha.kubernetes.io/ttl";

/** Annotates nodes with the time for which kubelets may cache Secrets and ConfigMaps. */
export async function runNodeTtl(context: ControllerContext): Promise<void> {
  const { client, informers } = context;
  const nodes = informers.of(client.nodes);
  const queue = newQueue(context);
  let step = 0;
  let count = 0;
  nodes.onChange((type, node) => {
    if (type !== "update") count += type === "add" ? 1 : -1;
    const next = stepAfter(step, count);
    if (next !== step) {
      step = next;
      for (const each of nodes.list()) queue.add(keyOf(each));
    }
    if (type !== "delete") queue.add(keyOf(node));
  });

  await runLoop(context, {
    name: "node-ttl",
    queue,
    workers: 2,
    needs: [nodes],
    async reconcile(key) {
      const wanted = String(secondsOf(step));
      const node = nodes.get(key);
      if (!node || node.metadata?.annotations?.[annotation] === wanted) return settled;
      const metadata = { annotations: { [annotation]: wanted } };
      await ignoreGone(client.nodes.patch(undefined, key, "strategic", { metadata }));
      return settled;
    },
  });
}
