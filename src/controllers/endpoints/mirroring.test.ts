import assert from "node:assert/strict";
import { test } from "node:test";
import { startBench } from "../testing/bench.ts";
import { runEndpointSliceMirroring } from "./mirroring.ts";

test("hand-made Endpoints are shown as slices, which follow them and go with them", async () => {
  const bench = await startBench(runEndpointSliceMirroring);
  const { client } = bench;
  await client.namespaces.create(undefined, { metadata: { name: "team" } });
  await client.services.create("team", { metadata: { name: "s" }, spec: { ports: [{ port: 80 }] } });
  const made = await client.endpoints.create("team", {
    metadata: { name: "s" },
    subsets: [
      {
        addresses: [{ ip: "10.1.2.3" }],
        notReadyAddresses: [{ ip: "10.1.2.4" }],
        ports: [{ name: "http", port: 8080 }],
      },
    ],
  });
  await bench.settle();
  const slices = async () => (await client.endpointSlices.list("team")).items;
  const [slice, ...more] = await slices();
  assert.equal(more.length, 0);
  assert.deepEqual(
    slice?.endpoints?.map(({ addresses, conditions }) => [addresses[0], conditions?.ready]),
    [
      ["10.1.2.3", true],
      ["10.1.2.4", false],
    ],
  );
  assert.equal(slice?.metadata?.labels?.["kubernetes.io/service-name"], "s");
  assert.equal(slice?.metadata?.ownerReferences?.[0]?.uid, made.metadata?.uid);

  await client.endpoints.patch("team", "s", "merge", { subsets: [{ addresses: [{ ip: "10.1.2.9" }] }] });
  await bench.settle();
  assert.deepEqual(
    (await slices()).map((each) => [each.metadata?.uid, each.endpoints?.[0]?.addresses[0]]),
    [[slice?.metadata?.uid, "10.1.2.9"]],
  );
  await client.endpoints.patch("team", "s", "merge", {
    metadata: { labels: { "endpointslice.kubernetes.io/skip-mirror": "true" } },
  });
  await bench.settle();
  assert.deepEqual(await slices(), []);
  await bench.stop();
});
