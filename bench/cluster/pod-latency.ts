import { createClient, kubeconfigTransport } from "../../src/client/index.ts";

/** Milliseconds from a pod's creation until a watch shows it Ready; the median of several pods, one at a time. */
export async function podLatency(kubeconfig: string, count: number): Promise<number> {
  const { transport } = await kubeconfigTransport({ kubeconfig }, {});
  const client = createClient(transport);
  const taken: number[] = [];
  try {
    for (let round = 0; round < count; round++) {
      const name = `latency-${round}`;
      const started = performance.now();
      await client.pods.create("default", {
        metadata: { name },
        spec: {
          terminationGracePeriodSeconds: 0,
          containers: [{ name: "c", image: "wherry.local/busybox", command: ["sleep", "1000000"] }],
        },
      });
      for await (const event of client.pods.watch("default", { fieldSelector: `metadata.name=${name}` })) {
        if (event.type === "BOOKMARK") continue;
        if (event.object.status?.conditions?.some((c) => c.type === "Ready" && c.status === "True")) break;
      }
      taken.push(performance.now() - started);
      await client.pods.delete("default", name, { gracePeriodSeconds: 0 });
    }
  } finally {
    await transport.close();
  }
  return taken.sort((a, b) => a - b)[Math.floor(count / 2)] ?? Number.NaN;
}
