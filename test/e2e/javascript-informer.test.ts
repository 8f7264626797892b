/**
 * The official client's informer where its connection is cut, the server begins anew, and history is forgotten: it must
 * hear of every change, once. The server is one of this process, so that all of that happens when the test says so.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { after, before, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import {
  CoreV1Api,
  type Informer,
  KubeConfig,
  makeInformer,
  type V1ConfigMap,
} from "@kubernetes/client-node";
import {
  ca,
  clientCert,
  clientKey,
  serverCert,
  serverKey,
} from "../../src/apiserver/testing/certificates.ts";
import { configMap, type Harness, startHarness } from "../../src/apiserver/testing/harness.ts";

const maps = "/api/v1/namespaces/default/configmaps";
const compactionMs = 5 * 60_000;

let h: Harness;
let informer: Informer<V1ConfigMap>;
/** Between the client and the server, so that connections can be cut. */
let door: Server;
let behind = 0;
const open = new Set<Socket>();
/** What the informer has told, in order. */
const told: string[] = [];
let failures = 0;
let connects = 0;
let wake = (): void => {};

const base64 = (text: string | Buffer): string => Buffer.from(text).toString("base64");

/** Waits until the client has told what makes it so. */
async function until(what: string, holds: () => boolean): Promise<void> {
  while (!holds()) {
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }
  assert.ok(holds(), what);
}

async function serve(harness: Harness): Promise<void> {
  const tls = { key: serverKey, cert: serverCert, clientCa: ca };
  ({ port: behind } = await harness.server.listen({ host: "127.0.0.1", port: 0, tls }));
}

before(async () => {
  h = await startHarness();
  await serve(h);
  door = createServer((socket) => {
    const server = connect(behind, "127.0.0.1");
    for (const [one, other] of [
      [socket, server],
      [server, socket],
    ] as const) {
      open.add(one);
      one.pipe(other);
      one.on("error", () => other.resetAndDestroy());
      one.on("close", () => open.delete(one));
    }
  });
  door.listen(0, "127.0.0.1");
  await once(door, "listening");
  const config = new KubeConfig();
  config.loadFromOptions({
    clusters: [
      {
        name: "c",
        server: `https://127.0.0.1:${(door.address() as AddressInfo).port}`,
        caData: base64(ca),
      },
    ],
    users: [{ name: "u", certData: base64(clientCert), keyData: base64(clientKey) }],
    contexts: [{ name: "x", cluster: "c", user: "u" }],
    currentContext: "x",
  });
  const core = config.makeApiClient(CoreV1Api);
  informer = makeInformer(config, maps, () => core.listNamespacedConfigMap({ namespace: "default" }));
  for (const event of ["add", "update", "delete"] as const)
    informer.on(event, ({ metadata, data }) => {
      told.push(`${event} ${metadata?.name}${data?.k ? ` ${data.k}` : ""}`);
      wake();
    });
  informer.on("connect", () => {
    connects++;
    wake();
  });
  informer.on("error", () => {
    failures++;
    wake();
  });
});
after(async () => {
  await informer.stop();
  door.close();
  for (const socket of open) socket.destroy();
  await h.close();
});

/** Cuts every connection, and waits until the client has noticed. */
async function cut(): Promise<void> {
  const before = failures;
  for (const socket of open) socket.resetAndDestroy();
  await until("the client notices that its connection is gone", () => failures > before);
}

const expectTold = async (...events: string[]): Promise<void> => {
  await until(events.join(), () => told.length >= events.length);
  assert.deepEqual(told.splice(0), events);
};

const change = async (name: string, k: string): Promise<void> => {
  assert.equal((await h.call("PUT", `${maps}/${name}`, configMap(name, { k }))).status, 200);
};

test("a connection that is reset: the informer goes on where it was", async () => {
  await h.call("POST", maps, configMap("a", { k: "1" }));
  await informer.start();
  await expectTold("add a 1");
  await change("a", "2");
  await expectTold("update a 2");
  await cut();
  await change("a", "3");
  await h.call("POST", maps, configMap("b", { k: "1" }));
  await h.call("DELETE", `${maps}/a`);
  await h.call("POST", maps, configMap("a", { k: "4" }));
  await informer.start();
  await expectTold("update a 3", "add b 1", "delete a 3", "add a 4");
});

test("a watch that the server ends: the informer goes on by itself", async () => {
  await h.call("POST", maps, configMap("c"));
  await expectTold("add c");
  // Half an hour, or an hour at most, after it has begun.
  const before = connects;
  h.clock.advance(3600_000);
  await until("it connects again", () => connects > before);
  await change("c", "2");
  await expectTold("update c 2");
});

test("a server that begins anew over the same store: nothing of what was changed meanwhile is lost", async () => {
  const before = failures + connects;
  const { store } = h;
  await h.server.close();
  await until("the client notices", () => failures + connects > before);
  h = await startHarness({ store });
  await change("b", "2");
  await h.call("DELETE", `${maps}/c`);
  await serve(h);
  await informer.start();
  await expectTold("update b 2", "delete c 2");
});

test("history that is forgotten: 410, and the difference to a new list is told", async () => {
  await cut();
  await change("a", "5");
  await h.call("DELETE", `${maps}/b`);
  await h.call("POST", maps, configMap("d"));
  for (const _ of [1, 2, 3]) {
    await h.call("POST", "/api/v1/namespaces/other/configmaps", configMap("noise"));
    await h.call("DELETE", "/api/v1/namespaces/other/configmaps/noise");
    h.clock.advance(compactionMs);
    await turn();
  }
  const known = Number((informer as unknown as { latestResourceVersion(): string }).latestResourceVersion());
  while (h.store.compactedRevision <= known) await turn();
  const watch = await h.watch(`${maps}?watch=1&resourceVersion=${known}`);
  const expired = await watch.next();
  watch.close();
  assert.deepEqual([expired?.type, expired?.object.code], ["ERROR", 410]);
  await informer.start();
  await expectTold("delete b 2", "update a 5", "add d");
});
