import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { silentLogger } from "../../machinery/index.ts";
import { openMemoryStore, prefixEnd, type Store } from "../../store/index.ts";
import { FakeClock } from "../../testing/index.ts";
import { configMap, type Harness, startHarness } from "../testing/harness.ts";
import { concerns, readEncryption } from "./config.ts";
import { bytesOf, decodeMessage, encodeMessage } from "../codec/protobuf/plain-message.ts";
import { type Encryption, openEncryption } from "./open.ts";

const secret = (byte: number): string => Buffer.alloc(32, byte).toString("base64");
const file = (providers: object[], resources = ["secrets", "configmaps"]): object => ({
  apiVersion: "apiserver.config.k8s.io/v1",
  kind: "EncryptionConfiguration",
  resources: [{ resources, providers }],
});
const key = (name: string, byte: number) => ({ name, secret: secret(byte) });
const maps = "/api/v1/namespaces/default/configmaps";

interface Stand {
  h: Harness;
  /** What really lies there. */
  raw: Store;
  encryption: Encryption;
  clock: FakeClock;
}

async function stand(t: TestContext, config: object, raw?: Store): Promise<Stand> {
  const clock = new FakeClock();
  const store = raw ?? (await openMemoryStore({ clock }));
  const encryption = openEncryption(store, { clock, log: silentLogger });
  await encryption.configure(config);
  const h = await startHarness({ store: encryption.store });
  t.after(async () => {
    encryption.close();
    await h.close();
  });
  return { h, raw: store, encryption, clock };
}

async function stored(store: Store, name: string): Promise<Buffer> {
  const { items } = await store.range({ from: `/registry/core/configmaps/default/${name}` });
  return Buffer.from(items[0]?.value ?? []);
}

for (const [provider, prefix] of [
  ["aesgcm", "k8s:enc:aesgcm:v1:one:"],
  ["aescbc", "k8s:enc:aescbc:v1:one:"],
  ["secretbox", "k8s:enc:secretbox:v1:one:"],
] as const) {
  test(`${provider}: what is stored cannot be read, what is served can`, async (t) => {
    const { h, raw } = await stand(t, file([{ [provider]: { keys: [key("one", 1)] } }]));
    await h.call("POST", maps, configMap("a", { k: "a very plain text" }));
    const bytes = await stored(raw, "a");
    assert.equal(bytes.subarray(0, prefix.length).toString(), prefix);
    assert.ok(!bytes.includes("plain"));
    assert.equal((await h.call("GET", `${maps}/a`)).body.data.k, "a very plain text");
    const watch = await h.watch(`${maps}?watch=true`);
    assert.equal((await watch.next())?.object.data.k, "a very plain text");
    watch.close();
    await h.call(
      "PATCH",
      `${maps}/a`,
      { data: { k: "other" } },
      { "content-type": "application/merge-patch+json" },
    );
    assert.equal((await h.call("GET", `${maps}/a`)).body.data.k, "other");
    await h.call("DELETE", `${maps}/a`);
    assert.equal((await h.call("GET", `${maps}/a`)).status, 404);
    // What the file does not name lies plainly.
    await h.call("POST", "/api/v1/namespaces/default/serviceaccounts", { metadata: { name: "x" } });
    const accounts = "/registry/core/serviceaccounts/";
    const { items } = await raw.range({ from: accounts, to: prefixEnd(accounts) });
    assert.ok(items.every(({ value }) => value[0] === 0x7b));
  });
}

test("keys change: the first writes, all read, and an unchanged write renews", async (t) => {
  const { h, raw, encryption } = await stand(t, file([{ identity: {} }]));
  await h.call("POST", maps, configMap("a", { k: "v" }));
  assert.equal((await stored(raw, "a"))[0], 0x7b);
  await encryption.configure(file([{ aesgcm: { keys: [key("one", 1)] } }, { identity: {} }]));
  const before = await h.call("GET", `${maps}/a`);
  const same = await h.call("PUT", `${maps}/a`, before.body);
  assert.notEqual(same.body.metadata.resourceVersion, before.body.metadata.resourceVersion);
  assert.ok((await stored(raw, "a")).subarray(0, 30).includes("k8s:enc:aesgcm:v1:one:"));
  await encryption.configure(file([{ aesgcm: { keys: [key("two", 2), key("one", 1)] } }]));
  await h.call("PUT", `${maps}/a`, (await h.call("GET", `${maps}/a`)).body);
  assert.ok((await stored(raw, "a")).subarray(0, 30).includes("k8s:enc:aesgcm:v1:two:"));
  const last = await h.call("GET", `${maps}/a`);
  const again = await h.call("PUT", `${maps}/a`, last.body);
  assert.equal(again.body.metadata.resourceVersion, last.body.metadata.resourceVersion);
});

test("a value moved to another key, or with another key's name, cannot be read", async () => {
  const clock = new FakeClock();
  const raw = await openMemoryStore({ clock });
  const encryption = openEncryption(raw, { clock, log: silentLogger });
  await encryption.configure(file([{ aesgcm: { keys: [key("one", 1)] } }]));
  const at = (name: string): string => `/registry/core/secrets/default/${name}`;
  await encryption.store.txn({
    when: [],
    then: [{ type: "put", key: at("a"), value: Buffer.from("mine") }],
  });
  const { items } = await raw.range({ from: at("a") });
  await raw.txn({
    when: [],
    then: [{ type: "put", key: at("b"), value: Buffer.from(items[0]?.value ?? []) }],
  });
  assert.equal(
    Buffer.from((await encryption.store.range({ from: at("a") })).items[0]?.value ?? []).toString(),
    "mine",
  );
  await assert.rejects(encryption.store.range({ from: at("b") }), /message authentication failed/);
  // Another server on the same data, which has not written any of it.
  const other = openEncryption(raw, { clock, log: silentLogger });
  await other.configure(file([{ identity: {} }]));
  await assert.rejects(
    other.store.range({ from: at("a") }),
    /identity transformer tried to read encrypted data/,
  );
  await other.configure(file([{ aesgcm: { keys: [key("two", 1)] } }]));
  await assert.rejects(other.store.range({ from: at("a") }), /no matching prefix found/);
  await other.configure(file([{ aesgcm: { keys: [key("one", 2)] } }]));
  await assert.rejects(other.store.range({ from: at("a") }), /message authentication failed/);
  await raw.close();
});

/** A KMS plugin whose key is XOR with a byte. */
async function plugin(t: TestContext): Promise<{
  path: string;
  state: { keyId: string; byte: number; healthz: string; calls: string[] };
}> {
  const dir = mkdtempSync(join(tmpdir(), "wherry-kms-"));
  const path = join(dir, "kms.sock");
  const state = { keyId: "k1", byte: 7, healthz: "ok", calls: [] as string[] };
  const server = createServer();
  const xor = (bytes: Buffer): Buffer => Buffer.from(bytes.map((each) => each ^ 7));
  server.on("stream", (stream, headers) => {
    const chunks: Buffer[] = [];
    stream.on("error", () => {});
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("end", () => {
      const method = String(headers[":path"]).split("/").at(-1) ?? "";
      state.calls.push(method);
      const given = decodeMessage(Buffer.concat(chunks).subarray(5));
      const answer =
        method === "Status"
          ? encodeMessage([
              [1, "v2"],
              [2, state.healthz],
              [3, state.keyId],
            ])
          : method === "Encrypt"
            ? encodeMessage([
                [1, xor(bytesOf(given, 1))],
                [2, state.keyId],
              ])
            : encodeMessage([[1, xor(bytesOf(given, 1))]]);
      const head = Buffer.alloc(5);
      head.writeUInt32BE(answer.length, 1);
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.end(Buffer.concat([head, answer]));
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  t.after(() => {
    server.close();
    rmSync(dir, { recursive: true, force: true });
  });
  return { path, state };
}

test("a KMS plugin keeps the key: asked once, its new key renews, and what lies there is read after a restart", async (t) => {
  const { path, state } = await plugin(t);
  const config = file([{ kms: { apiVersion: "v2", name: "vault", endpoint: `unix://${path}` } }]);
  const { h, raw, encryption } = await stand(t, config);
  await h.call("POST", maps, configMap("a", { k: "hidden" }));
  await h.call("POST", maps, configMap("b", { k: "hidden" }));
  assert.deepEqual(state.calls, ["Status", "Encrypt"]);
  const prefix = "k8s:enc:kms:v2:vault:";
  const bytes = await stored(raw, "a");
  assert.equal(bytes.subarray(0, prefix.length).toString(), prefix);
  assert.ok(!bytes.includes("hidden"));

  // Another process on the same data: one question for the seed, whatever many values there are.
  const clock = new FakeClock();
  const second = openEncryption(raw, { clock, log: silentLogger });
  t.after(() => second.close());
  await second.configure(config);
  state.calls.length = 0;
  const all = "/registry/core/configmaps/";
  const { items } = await second.store.range({ from: all, to: prefixEnd(all) });
  assert.equal(items.filter(({ value }) => Buffer.from(value).includes("hidden")).length, 2);
  assert.equal(new Set(state.calls).size, 1);

  state.keyId = "k2";
  await encryption.configure(config);
  assert.equal(encryption.store.isStale?.("/registry/core/configmaps/default/a"), true);
  await h.call("PUT", `${maps}/a`, (await h.call("GET", `${maps}/a`)).body);
  assert.equal(encryption.store.isStale?.("/registry/core/configmaps/default/a"), false);
  assert.doesNotThrow(() => encryption.healthy());
  state.healthz = "on fire";
  await encryption.configure(config);
  assert.throws(() => encryption.healthy(), /got unexpected healthz status: on fire/);
});

test("resources are named one by one, by group, or all", () => {
  assert.ok(concerns("secrets", "", "secrets"));
  assert.ok(!concerns("secrets", "other.io", "secrets"));
  assert.ok(concerns("pandas.bears.io", "bears.io", "pandas"));
  assert.ok(concerns("*.bears.io", "bears.io", "pandas") && !concerns("*.bears.io", "", "pods"));
  assert.ok(concerns("*.", "", "pods") && !concerns("*.", "apps", "deployments"));
  assert.ok(concerns("*.*", "apps", "deployments"));
});

test("a file's mistakes are all named", () => {
  assert.throws(() => readEncryption({ kind: "x" }), /no EncryptionConfiguration/);
  const bad = file(
    [
      { aesgcm: { keys: [{ name: "", secret: Buffer.alloc(5).toString("base64") }] } },
      { identity: {}, secretbox: {} },
      { kms: { name: "a:b", endpoint: "tcp://x" } },
    ],
    ["*"],
  );
  for (const text of [
    "use '*.' to encrypt all the resources from core API group",
    "name is a mandatory field for a key",
    "got 5, expected one of [16 24 32]",
    "more than one provider specified",
    "must not contain ':'",
    'unsupported scheme "tcp" for KMS provider',
  ])
    assert.throws(() => readEncryption(bad), new RegExp(text.replaceAll(/[.*[\]()]/g, "\\$&")));
});

test("messages of KMS plugins survive encoding, and cut ones are refused", () => {
  const long = randomBytes(300);
  const bytes = encodeMessage([
    [1, long],
    [2, "text"],
    [5, 300],
  ]);
  assert.deepEqual(bytesOf(decodeMessage(bytes), 1), long);
  assert.equal(decodeMessage(bytes).get(5)?.[0], 300);
  assert.throws(() => decodeMessage(bytes.subarray(0, 100)), /unexpected EOF/);
});
