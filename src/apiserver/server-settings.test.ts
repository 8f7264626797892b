import assert from "node:assert/strict";
import { connect } from "node:tls";
import { test } from "node:test";
import { settle } from "../testing/index.ts";
import { ca, serverCert, serverKey } from "./testing/certificates.ts";
import { pod, startHarness } from "./testing/harness.ts";
import { request } from "node:https";

const maps = "/api/v1/namespaces/default/configmaps";

test("watches last as long as the server says, or up to twice as long, unless the client says it", async (t) => {
  const h = await startHarness({ minRequestSeconds: 100, random: () => 0.5 });
  t.after(() => h.close());
  const watch = await h.watch(`${maps}?watch=true&resourceVersion=${h.store.revision}`);
  let ended = false;
  const end = watch.next().then(() => {
    ended = true;
  });
  h.clock.advance(149_999);
  await settle();
  assert.equal(ended, false);
  h.clock.advance(1);
  await end;
});

test("watches of a server without a time end behind what they start with, unless the client names one", async (t) => {
  const h = await startHarness({ minRequestSeconds: 0 });
  t.after(() => h.close());
  const from = h.store.revision;
  await h.call("POST", maps, { metadata: { name: "a" } });
  for (const [query, ...types] of [
    ["", "ADDED"],
    ["&resourceVersion=0&allowWatchBookmarks=true", "ADDED", "BOOKMARK"],
    [`&resourceVersion=${from}`, "ADDED"],
    [`&resourceVersion=${h.store.revision}`],
  ]) {
    const watch = await h.watch(`${maps}?watch=true${query}`);
    const seen: string[] = [];
    for (let event = await watch.next(); event; event = await watch.next()) seen.push(event.type);
    assert.deepEqual(seen, types, query);
  }
  const lasting = await h.watch(`${maps}?watch=true&timeoutSeconds=10&resourceVersion=${h.store.revision}`);
  await h.call("POST", maps, { metadata: { name: "late" } });
  assert.equal((await lasting.next())?.object.metadata?.name, "late");
  lasting.close();
});

test("events go after the time that the server says", async (t) => {
  const h = await startHarness({ eventTtlSeconds: 60 });
  t.after(() => h.close());
  const events = "/api/v1/namespaces/default/events";
  const involvedObject = { kind: "Pod", namespace: "default", name: "p" };
  const made = await h.call("POST", events, { metadata: { name: "e" }, involvedObject });
  assert.equal(made.status, 201, made.text);
  const watch = await h.watch(`${events}?watch=true&resourceVersion=${h.store.revision}`);
  const gone = watch.next();
  // Events share leases of up to a minute longer.
  await h.clock.run(121_000);
  assert.equal((await gone)?.type, "DELETED");
  watch.close();
});

test("pods tolerate nodes that are not ready, or not reachable, for as long as the server says", async (t) => {
  const h = await startHarness({ tolerationSeconds: { notReady: 7, unreachable: 0 } });
  t.after(() => h.close());
  await h.call("POST", "/api/v1/namespaces/default/serviceaccounts", { metadata: { name: "default" } });
  const made = await h.call("POST", "/api/v1/namespaces/default/pods", pod("p"));
  assert.equal(made.status, 201, made.text);
  assert.deepEqual(
    made.body.spec.tolerations.map((each: { key: string; tolerationSeconds: number }) => [
      each.key,
      each.tolerationSeconds,
    ]),
    [
      ["node.kubernetes.io/not-ready", 7],
      ["node.kubernetes.io/unreachable", 0],
    ],
  );
});

test("older versions of TLS are not spoken", async (t) => {
  const h = await startHarness();
  t.after(() => h.close());
  const tls = { key: serverKey, cert: serverCert, clientCa: ca };
  const spoken = async (minTls: "TLSv1.2" | "TLSv1.3"): Promise<unknown> => {
    const { port } = await h.server.listen({ host: "127.0.0.1", port: 0, tls, minTls });
    return new Promise((resolve) => {
      const socket = connect({ host: "127.0.0.1", port, rejectUnauthorized: false, maxVersion: "TLSv1.2" });
      socket.once("error", () => resolve(undefined));
      socket.once("secureConnect", () => {
        resolve(socket.getProtocol());
        socket.destroy();
      });
    });
  };
  assert.deepEqual([await spoken("TLSv1.2"), await spoken("TLSv1.3")], ["TLSv1.2", undefined]);
});

test("discovery says where clients from outside find the server", async (t) => {
  const h = await startHarness({ externalAddress: "api.example:443" });
  t.after(() => h.close());
  const tls = { key: serverKey, cert: serverCert, clientCa: ca };
  await h.server.listen({ host: "127.0.0.1", port: 0, tls });
  const { serverAddressByClientCIDRs } = (await h.call("GET", "/api")).body;
  assert.deepEqual(serverAddressByClientCIDRs, [
    { clientCIDR: "0.0.0.0/0", serverAddress: "api.example:443" },
  ]);
});

test("every answer tells browsers about TLS, failures too, where that is wanted", async (t) => {
  const h = await startHarness({ strictTransport: ["max-age=1", "preload"] });
  t.after(() => h.close());
  const tls = { key: serverKey, cert: serverCert, clientCa: ca };
  const { port } = await h.server.listen({ host: "127.0.0.1", port: 0, tls });
  const header = (path: string): Promise<unknown> =>
    new Promise((resolve, reject) => {
      request({ host: "127.0.0.1", port, path, rejectUnauthorized: false, agent: false }, (answer) => {
        answer.resume();
        resolve(answer.headers["strict-transport-security"]);
      })
        .once("error", reject)
        .end();
    });
  assert.equal(await header("/version"), "max-age=1; preload");
  assert.equal(await header("/nowhere"), "max-age=1; preload");
});
