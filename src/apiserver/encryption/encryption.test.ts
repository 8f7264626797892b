import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { silentLogger } from "../../machinery/index.ts";
import { openMemoryStore, prefixEnd, type Store } from "../../store/index.ts";
import { FakeClock } from "../../testing/index.ts";
import { configMap, type Harness, startHarness } from "../testing/harness.ts";
import { EncryptionMetrics } from "../metrics/encryption.ts";
import { MetricsRegistry } from "../metrics/registry.ts";
import { byResource, lookups, readEncryption } from "./config.ts";
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
  /** The store below the encryption. */
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
    // Resources that are not configured are stored plain.
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

test("a new secret under an old name is another key: what was written before is renewed", async (t) => {
  const { h, raw, encryption } = await stand(t, file([{ secretbox: { keys: [key("one", 1)] } }]));
  await h.call("POST", maps, configMap("a", { k: "v" }));
  const before = await stored(raw, "a");
  const both = [{ secretbox: { keys: [key("one", 2)] } }, { secretbox: { keys: [key("one", 1)] } }];
  await encryption.configure(file(both));
  await h.call("PUT", `${maps}/a`, (await h.call("GET", `${maps}/a`)).body);
  assert.notDeepEqual(await stored(raw, "a"), before);
  const other = openEncryption(raw, { clock: new FakeClock(), log: silentLogger });
  await other.configure(file(both.slice(0, 1)));
  const { items } = await other.store.range({ from: "/registry/core/configmaps/default/a" });
  assert.ok(Buffer.from(items[0]?.value ?? []).includes('"k":"v"'));
});

test("a server starts without keys that only former states need, and not without one that a present one needs", async (t) => {
  const { h, raw, encryption } = await stand(t, file([{ aesgcm: { keys: [key("one", 1)] } }]));
  await h.call("POST", maps, configMap("a", { k: "v" }));
  const next = [{ aesgcm: { keys: [key("two", 2)] } }];
  await encryption.configure(file([...next, { aesgcm: { keys: [key("one", 1)] } }]));
  const start = async (providers: object[]): Promise<Harness> => {
    const other = openEncryption(raw, { clock: new FakeClock(), log: silentLogger });
    await other.configure(file(providers));
    return startHarness({ store: other.store });
  };
  await assert.rejects(start(next), /configmaps\/default\/a cannot be read: no matching prefix found/);
  await h.call("PUT", `${maps}/a`, (await h.call("GET", `${maps}/a`)).body);
  const second = await start(next);
  assert.equal((await second.call("GET", `${maps}/a`)).body.data.k, "v");
  await second.call("PUT", `${maps}/a`, configMap("a", { k: "w" }));
  assert.equal((await second.call("GET", `${maps}/a`)).body.data.k, "w");
  // Without a configuration the error explains the cause instead of reporting invalid JSON.
  await assert.rejects(
    startHarness({ store: raw }).then((third) => third.call("GET", maps)),
    /cannot be read: identity transformer tried to read encrypted data/,
  );
});

test("values count by resource, way, key and how it went", async () => {
  const clock = new FakeClock();
  const raw = await openMemoryStore({ clock });
  const registry = new MetricsRegistry();
  const meters = new EncryptionMetrics(registry, "me", () => clock.now());
  const encryption = openEncryption(raw, { clock, log: silentLogger, meters });
  await encryption.configure(file([{ aesgcm: { keys: [key("one", 1)] } }, { identity: {} }], ["*.apps"]));
  const at = "/registry/apps/deployments/n/d";
  const put = (to: Store, value: string | Uint8Array) =>
    to.txn({ when: [], then: [{ type: "put", key: at, value: Buffer.from(value) }] });
  await put(encryption.store, "mine");
  await put(raw, "{}");
  await encryption.store.range({ from: at });
  await put(raw, "k8s:enc:aesgcm:v1:one:too short to be anything");
  await assert.rejects(encryption.store.range({ from: at }));
  await put(raw, "k8s:enc:aesgcm:v1:two:x");
  await assert.rejects(encryption.store.range({ from: at }));
  const text = await registry.text();
  const counted = text
    .split("\n")
    .filter((line) => line.startsWith("apiserver_storage_transformation_operations"));
  const line = (status: string, type: string, prefix: string): string =>
    `apiserver_storage_transformation_operations_total{resource="deployments.apps",status="${status}",transformation_type="${type}",transformer_prefix="${prefix}"} 1`;
  assert.deepEqual(
    counted.filter((each) => !each.endsWith(" 0")),
    [
      line("OK", "from_storage", "identity"),
      line("OK", "to_storage", "k8s:enc:aesgcm:v1:"),
      line("OK", "to_storage", "one:"),
      line("unknown-non-grpc", "from_storage", "k8s:enc:aesgcm:v1:"),
      line("unknown-non-grpc", "from_storage", "one:"),
      line("unknown-non-grpc", "from_storage", "unknown"),
    ],
  );
  assert.match(
    text,
    /^apiserver_storage_transformation_duration_seconds_count\{transformation_type="to_storage",transformer_prefix="one:"\} 1$/m,
  );
  await raw.close();
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
  // Another server on the same data, which has written none of it.
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

test("resources are named one by one, by group, or all; the nearest counts, and what is named twice is read by both", () => {
  const config = [
    { resources: ["secrets", "pandas.bears.io"], transformers: ["one"] },
    { resources: ["secrets."], transformers: ["two"] },
    { resources: ["*.apps", "*."], transformers: ["group"] },
    { resources: ["*.*"], transformers: ["all"] },
  ];
  const found = byResource(config);
  const of = (group: string, plural: string) =>
    lookups(group, plural)
      .map((name) => found.get(name))
      .find((each) => each !== undefined);
  assert.deepEqual(of("", "secrets"), ["one", "two"]);
  assert.deepEqual(of("bears.io", "pandas"), ["one"]);
  assert.deepEqual(of("", "pods"), ["group"]);
  assert.deepEqual(of("apps", "deployments"), ["group"]);
  assert.deepEqual(of("other.io", "secrets"), ["all"]);
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
    "KMSv1 is deprecated",
    "use '*.' to encrypt all the resources from core API group",
    "name is a mandatory field for a key",
    "got 5, expected one of [16 24 32]",
    "more than one provider specified",
    "must not contain ':'",
    'unsupported scheme "tcp" for KMS provider',
  ])
    assert.throws(() => readEncryption(bad), new RegExp(text.replaceAll(/[.*[\]()]/g, "\\$&")));
});

test("what would leave something unencrypted by mistake is refused", () => {
  const one = (resources: string[], more: object = {}): object => ({
    ...file([{ aesgcm: { keys: [key("one", 1)] } }], resources),
    ...more,
  });
  const refused = (config: object, text: string): void =>
    assert.throws(
      () => readEncryption(config),
      (error: Error) => error.message.includes(text),
    );
  refused(one(["secrets", "secrets."]), "the same resource cannot be specified multiple times");
  refused(one(["secrets", "*."]), "using overlapping resources such as 'secrets' and '*.'");
  refused(one(["*.*", "pods"]), "using overlapping resources");
  refused(one(["secrets.*"]), "encrypting the same resource across groups is not supported");
  refused(one(["apiserveripinfo"]), "resources which do not have REST API/s cannot be encrypted");
  refused(one(["secrets"], { resource: [] }), 'strict decoding error: unknown field "resource"');
  refused(
    file([{ secretbox: { keys: [{ ...key("a", 1), key: "x" }] } }]),
    'unknown field "resources[0].providers[0].secretbox.keys[0].key"',
  );
  refused(
    file([{ aesgcm: { keys: [{ name: "a", secret: secret(1).replace("=", "") }] } }]),
    "secrets must be base64 encoded",
  );
  const identity = [{ identity: {} }];
  const masked = [
    { resources: ["*.apps"], providers: identity },
    { resources: ["deployments.apps"], providers: identity },
  ];
  refused(one([], { resources: masked }), 'resource "deployments.apps" is masked by earlier rule "*.apps"');
  const kms = { apiVersion: "v2", name: "v", endpoint: "unix:///s" };
  refused(file([{ kms: { ...kms, timeout: "0s" } }]), "timeout should be a positive value");
  refused(file([{ kms: { ...kms, cachesize: 3 } }]), "cachesize is not supported in v2");
  readEncryption(one(["secrets", "*.apps"]));
});

test("a configuration that waits for its plugin when the server ends is given up", async () => {
  const clock = new FakeClock();
  const encryption = openEncryption(await openMemoryStore({ clock }), { clock, log: silentLogger });
  await encryption.configure(file([{ identity: {} }]));
  const kms = { apiVersion: "v2", name: "k", endpoint: "unix:///nowhere/none.sock", timeout: "1000s" };
  let over = false;
  const ended = assert
    .rejects(encryption.configure(file([{ kms }])), /health check for new transformers failed/)
    .finally(() => (over = true));
  encryption.close();
  // Much shorter than the time a plugin has to become healthy.
  for (let i = 0; i < 50 && !over; i++) await clock.run(100);
  await ended;
});

test("former states that nobody can read any more keep no server from starting, present ones do", async () => {
  const clock = new FakeClock();
  const raw = await openMemoryStore({ clock });
  const first = await startHarness({ store: raw });
  await first.call("POST", maps, configMap("a", { a: "1" }));
  const at = "/registry/core/configmaps/default/a";
  const kept = await stored(raw, "a");
  await first.server.close();
  const write = (value: Uint8Array) => raw.txn({ when: [], then: [{ type: "put", key: at, value }] });
  await write(Buffer.from("k8s:enc:secretbox:v1:gone:xyz"));
  await assert.rejects(
    startHarness({ store: raw }),
    /configmaps\/default\/a cannot be read: identity transformer/,
  );
  await write(kept);
  const again = await startHarness({ store: raw });
  assert.equal((await again.call("GET", `${maps}/a`)).status, 200);
  await again.close();
});
