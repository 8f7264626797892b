import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { KubeObject } from "../api/index.ts";
import { createClient, type ApiTransport } from "../client/index.ts";
import { parseYamlDocuments } from "../machinery/index.ts";
import { freePort } from "../testing/index.ts";
import { applyAndWait } from "./apply/index.ts";
import { adminTransport } from "./connection.ts";
import { down } from "./down.ts";
import { isAlive, processId, waitForExit } from "./process/process-id.ts";
import { runningDaemon } from "./process/daemon.ts";
import { status } from "./status.ts";
import { up, type UpResult } from "./up.ts";

/** A whole cluster as a daemon, with a simulated node: starting, finding, crashing, refusing and removing it. */
const dir = mkdtempSync(join(tmpdir(), "cluster-"));
// Clusters of one name share the files of running processes.
const name = `unit-test-${process.pid}`;
const choice = { name, dataDir: join(dir, "data") };
const before0 = process.env["KUBECONFIG"];
let ports: { apiPort: number; kubeletPort: number };
let result: UpResult;
let api: ApiTransport;

const start = (): Promise<UpResult> => up({ ...choice, ...ports, simulate: true });

before(async () => {
  process.env["KUBECONFIG"] = join(dir, "kubeconfig");
  ports = { apiPort: await freePort(), kubeletPort: await freePort() };
  result = await start();
  api = adminTransport(result.config);
});

after(async () => {
  await api?.close();
  await down({ ...choice, purge: true });
  if (before0 === undefined) delete process.env["KUBECONFIG"];
  else process.env["KUBECONFIG"] = before0;
  rmSync(dir, { recursive: true });
});

const manifests = (text: string) =>
  parseYamlDocuments(text, "test.yaml").map(({ value, line }) => ({
    object: value as KubeObject,
    source: `test.yaml:${line}`,
  }));

test("up makes a cluster whose node is Ready, says that it is simulated, and is found the next time", async () => {
  assert.equal(result.found, false);
  assert.match(result.simulated ?? "", /simulated/);
  const state = await status(choice);
  assert.equal(state.state, "running");
  assert.deepEqual(
    state.nodes.map((node) => [node.ready, node.kind]),
    [[true, "simulated"]],
  );
  assert.ok(readFileSync(result.kubeconfig, "utf8").includes(`name: wherry-${name}\n`));
  // Pods' secrets and the keys are below these.
  for (const place of [result.config.dataDir, result.config.runDir])
    assert.equal(statSync(place).mode & 0o777, 0o700, place);
  assert.equal((await start()).found, true);
});

test("apply makes objects, changes them, leaves them, and refuses all when one is wrong", async () => {
  const config = (value: string, more = "") =>
    manifests(
      `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: "${value}"}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n${more}`,
    );
  const outcomes = async (list: ReturnType<typeof config>): Promise<string[]> =>
    (await applyAndWait({ api, manifests: list })).applied.map((each) => each.outcome);
  assert.deepEqual(await outcomes(config("1")), ["created", "created"]);
  assert.deepEqual(await outcomes(config("1")), ["unchanged", "unchanged"]);
  assert.deepEqual(await outcomes(config("2")), ["configured", "unchanged"]);
  await assert.rejects(
    () => outcomes(config("3", "nonsense: true\n")),
    /test\.yaml:6: configmap\/b: .*nonsense/s,
  );
  const a = await createClient(api).configMaps.get("default", "a");
  assert.deepEqual(a.data, { k: "2" });
  await assert.rejects(
    () => outcomes(manifests("apiVersion: v1\nkind: Nothing\nmetadata: {name: x}\n")),
    /test\.yaml:1: there is no kind Nothing in v1/,
  );
});

test("a new build under the same name replaces the pods; kubectl's note does not know of it", async () => {
  const list = manifests(
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec:\n  selector: {matchLabels: {a: b}}\n  template:\n    metadata: {labels: {a: b}}\n    spec: {containers: [{name: c, image: mine}]}\n",
  );
  const run = (id: string) =>
    applyAndWait({ api, manifests: list, images: [{ image: "mine", id: `sha256:${id}` }] });
  const { deployments } = createClient(api);
  await run("1");
  const before = await deployments.get("default", "d");
  assert.equal((await run("1")).applied[0]?.outcome, "unchanged");
  await run("2");
  const after = await deployments.get("default", "d");
  assert.equal(after.metadata?.generation, (before.metadata?.generation ?? 0) + 1);
  assert.ok(!JSON.stringify(after.metadata?.annotations).includes("wherry.dev/images"));
});

test("killed without warning, it comes back with everything it had acknowledged", async () => {
  const daemon = runningDaemon(result.config.runDir);
  assert.ok(daemon);
  process.kill(daemon.pid, "SIGKILL");
  await waitForExit(daemon, 60_000);
  assert.equal((await status(choice)).state, "stopped");
  assert.equal((await start()).found, false);
  const a = await createClient(api).configMaps.get("default", "a");
  assert.deepEqual(a.data, { k: "2" });
});

test("a taken port is named", async () => {
  const blocker = createServer().listen(0, "127.0.0.1");
  await once(blocker, "listening");
  const { port } = blocker.address() as AddressInfo;
  const other = { name: `${name}-b`, dataDir: join(dir, "other") };
  try {
    await assert.rejects(
      () => up({ ...other, apiPort: port, simulate: true }),
      new RegExp(`port ${port} .*API server, is taken`),
    );
    assert.ok(!existsSync(other.dataDir));
  } finally {
    await down({ ...other, purge: true });
    blocker.close();
  }
});

test("a process is told from a later one with its number", () => {
  const own = processId(process.pid);
  assert.ok(own && isAlive(own));
  assert.ok(!isAlive({ ...own, startTime: "1" }));
});
