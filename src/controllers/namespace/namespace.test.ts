import assert from "node:assert/strict";
import { test } from "node:test";
import { isReason } from "../../machinery/index.ts";
import { runRootCa } from "../testing/root-ca.ts";
import { runServiceAccounts } from "../service-account/index.ts";
import { type Bench, startBench, containers } from "../testing/bench.ts";
import { runNamespaces } from "./index.ts";

const make = async (): Promise<Bench> => {
  const bench = await startBench(runNamespaces, runServiceAccounts, runRootCa);
  await bench.client.namespaces.create(undefined, { metadata: { name: "team" } });
  await bench.settle();
  return bench;
};
const gone = (found: Promise<unknown>) => assert.rejects(found, (error) => isReason(error, "NotFound"));

test("a new namespace gets its account and CA; deleted, it is gone with all it holds", async () => {
  const bench = await make();
  await bench.client.serviceAccounts.get("team", "default");
  assert.deepEqual((await bench.client.configMaps.get("team", "kube-root-ca.crt")).data, { "ca.crt": "PEM" });
  await bench.client.configMaps.patch("team", "kube-root-ca.crt", "merge", {
    data: { "ca.crt": "bad", more: "x" },
  });
  await bench.client.serviceAccounts.delete("team", "default");
  await bench.settle();
  await bench.client.serviceAccounts.get("team", "default");
  assert.deepEqual((await bench.client.configMaps.get("team", "kube-root-ca.crt")).data, { "ca.crt": "PEM" });

  await bench.client.namespaces.delete(undefined, "team");
  await bench.settle();
  await gone(bench.client.namespaces.get(undefined, "team"));
  assert.deepEqual((await bench.client.configMaps.list("team")).items, []);
  await bench.stop();
});

test("pods go first: as long as one is held, nothing else is touched and the conditions say why", async () => {
  const bench = await make();
  await bench.client.pods.create("team", {
    metadata: { name: "held", finalizers: ["example.com/hold"] },
    spec: { containers },
  });
  await bench.client.configMaps.create("team", { metadata: { name: "settings" } });
  await bench.client.namespaces.delete(undefined, "team");
  await bench.settle();
  const namespace = await bench.client.namespaces.get(undefined, "team");
  const condition = (type: string) => namespace.status?.conditions?.find((each) => each.type === type);
  assert.equal(namespace.status?.phase, "Terminating");
  assert.equal(condition("NamespaceDeletionContentFailure")?.status, "True");
  assert.equal(
    condition("NamespaceContentRemaining")?.message,
    "Some resources are remaining: pods. has 1 resource instances",
  );
  assert.equal(
    condition("NamespaceFinalizersRemaining")?.message,
    "Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances",
  );
  const settings = await bench.client.configMaps.get("team", "settings");
  assert.equal(settings.metadata?.deletionTimestamp, undefined);

  await bench.client.pods.patch("team", "held", "merge", { metadata: { finalizers: null } });
  await bench.settle();
  await gone(bench.client.namespaces.get(undefined, "team"));
  await bench.stop();
});
