import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { silentLogger } from "../../../machinery/index.ts";
import { openMemoryStore, prefixEnd, type Store } from "../../../store/index.ts";
import { FakeClock } from "../../../testing/index.ts";
import { bytesOf, decodeMessage, encodeMessage } from "../../codec/protobuf/plain-message.ts";
import { EncryptionMetrics } from "../../metrics/encryption.ts";
import { MetricsRegistry } from "../../metrics/registry.ts";
import type { FinishedSpan } from "../../tracing/span.ts";
import { Tracer } from "../../tracing/tracer.ts";
import { configMap, type Harness, startHarness } from "../../testing/harness.ts";
import { type Encryption, openEncryption } from "../open.ts";

const maps = "/api/v1/namespaces/default/configmaps";

/** A generous timeout for tests that do not depend on it. */
const config = (path: string, timeout = "1m"): object => ({
  apiVersion: "apiserver.config.k8s.io/v1",
  kind: "EncryptionConfiguration",
  resources: [
    {
      resources: ["secrets", "configmaps"],
      providers: [{ kms: { apiVersion: "v2", name: "vault", endpoint: `unix://${path}`, timeout } }],
    },
  ],
});

async function stand(
  t: TestContext,
  value: object,
): Promise<{ h: Harness; raw: Store; encryption: Encryption; clock: FakeClock }> {
  const clock = new FakeClock();
  const raw = await openMemoryStore({ clock });
  const encryption = openEncryption(raw, { clock, log: silentLogger });
  await encryption.configure(value);
  const h = await startHarness({ store: encryption.store });
  t.after(async () => {
    encryption.close();
    await h.close();
  });
  return { h, raw, encryption, clock };
}

async function stored(store: Store, name: string): Promise<Buffer> {
  const { items } = await store.range({ from: `/registry/core/configmaps/default/${name}` });
  return Buffer.from(items[0]?.value ?? []);
}

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

/** Advances the clock until it settles. */
async function passing(clock: FakeClock, promise: Promise<unknown>): Promise<void> {
  let settled = false;
  const done = promise.finally(() => (settled = true));
  while (!settled) {
    clock.advance(100);
    await turn();
  }
  await done;
}

/** Advances the clock by minutes until it holds; the plugin is checked each minute. */
async function until(clock: FakeClock, holds: () => void): Promise<void> {
  clock.advance(60_000);
  for (;;) {
    try {
      holds();
      return;
    } catch {
      await turn();
      clock.advance(1);
    }
  }
}

interface PluginState {
  /** The key ID in its status. */
  keyId: string;
  /** The key ID used for encryption, if it differs. */
  usedKeyId: string | undefined;
  healthz: string;
  calls: string[];
  /** Accepts calls and answers none. */
  hangs: boolean;
}

/** A KMS plugin whose key is XOR with a byte. */
async function plugin(t: TestContext): Promise<{
  path: string;
  state: PluginState;
}> {
  const dir = mkdtempSync(join(tmpdir(), "wherry-kms-"));
  const path = join(dir, "kms.sock");
  const state: PluginState = { keyId: "k1", usedKeyId: undefined, healthz: "ok", calls: [], hangs: false };
  const server = createServer();
  const xor = (bytes: Buffer): Buffer => Buffer.from(bytes.map((each) => each ^ 7));
  server.on("stream", (stream, headers) => {
    const chunks: Buffer[] = [];
    stream.on("error", () => {});
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("end", () => {
      const method = String(headers[":path"]).split("/").at(-1) ?? "";
      if (state.hangs) return;
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
                [2, state.usedKeyId ?? state.keyId],
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
  const { h, raw, encryption, clock: clock0 } = await stand(t, config(path));
  await h.call("POST", maps, configMap("a", { k: "hidden" }));
  await h.call("POST", maps, configMap("b", { k: "hidden" }));
  assert.deepEqual(state.calls, ["Status", "Encrypt"]);
  const prefix = "k8s:enc:kms:v2:vault:";
  const bytes = await stored(raw, "a");
  assert.equal(bytes.subarray(0, prefix.length).toString(), prefix);
  assert.ok(!bytes.includes("hidden"));

  // Another process on the same data: one call for the seed, however many values there are.
  const clock = new FakeClock();
  const second = openEncryption(raw, { clock, log: silentLogger });
  t.after(() => second.close());
  await second.configure(config(path));
  state.calls.length = 0;
  const all = "/registry/core/configmaps/";
  const { items } = await second.store.range({ from: all, to: prefixEnd(all) });
  assert.equal(items.filter(({ value }) => Buffer.from(value).includes("hidden")).length, 2);
  assert.equal(new Set(state.calls).size, 1);

  state.keyId = "k2";
  await encryption.configure(config(path));
  assert.equal(encryption.store.isStale?.("/registry/core/configmaps/default/a"), true);
  await h.call("PUT", `${maps}/a`, (await h.call("GET", `${maps}/a`)).body);
  assert.equal(encryption.store.isStale?.("/registry/core/configmaps/default/a"), false);
  assert.doesNotThrow(() => encryption.healthy());
  state.healthz = "on fire";
  // The former configuration stays until the new one works.
  await passing(
    clock0,
    assert.rejects(encryption.configure(config(path)), /health check for new transformers failed/),
  );
  await until(clock0, () => assert.throws(() => encryption.healthy(), /unexpected healthz status: on fire/));
  assert.equal((await h.call("GET", `${maps}/b`)).body.data.k, "hidden");
});

test("a plugin that names one key and uses another is not followed, and writes end when it is not well for long", async (t) => {
  const { path, state } = await plugin(t);
  const { h, encryption, clock } = await stand(t, config(path));
  state.keyId = "k2";
  state.usedKeyId = "k3";
  await until(clock, () =>
    assert.throws(() => encryption.healthy(), /failed to rotate DEK, statusKeyIDHash=/),
  );
  assert.equal((await h.call("POST", maps, configMap("early"))).status, 201);
  state.keyId = "";
  await until(clock, () =>
    assert.throws(() => encryption.healthy(), /got invalid KMSv2 KeyID hash "": keyID is empty/),
  );
  clock.advance(180_000);
  const late = await h.call("POST", maps, configMap("late"));
  assert.equal(late.status, 500);
  assert.match(
    late.body.message,
    /^Internal error occurred: encryptedDEKSource with keyID hash "sha256:[0-9a-f]{64}" expired at /,
  );
  assert.equal((await h.call("GET", `${maps}/early`)).status, 200);
});

test("a plugin that hangs holds nothing up but what only it can read", async (t) => {
  const { path, state } = await plugin(t);
  const { h, raw } = await stand(t, config(path));
  await h.call("POST", maps, configMap("a", { k: "hidden" }));
  state.hangs = true;
  const clock = new FakeClock();
  const registry = new MetricsRegistry();
  const meters = new EncryptionMetrics(registry, "me", () => clock.now());
  const other = openEncryption(raw, { clock, log: silentLogger, meters });
  t.after(() => other.close());
  await other.configure(config(path, "50ms"));
  assert.throws(
    () => other.healthy(),
    /^Error: kmsv2 Provider vault is not healthy, error: rpc error: code = DeadlineExceeded desc = context deadline exceeded$/,
  );
  const from = "/registry/core/configmaps/default/a";
  await assert.rejects(
    other.store.range({ from }),
    /failed to decrypt DEK, error: rpc error: code = DeadlineExceeded/,
  );
  state.hangs = false;
  const patient = openEncryption(raw, { clock, log: silentLogger, meters });
  t.after(() => patient.close());
  await patient.configure(config(path));
  state.calls.length = 0;
  const [{ items }] = await Promise.all([patient.store.range({ from }), patient.store.range({ from })]);
  assert.ok(Buffer.from(items[0]?.value ?? []).includes("hidden"));
  // Concurrent requests for a key share one call.
  assert.deepEqual(state.calls, ["Decrypt"]);
  // A revoked key is noticed within a day.
  clock.advance(24 * 3600_000);
  await patient.store.range({ from });
  assert.deepEqual(
    state.calls.filter((each) => each === "Decrypt"),
    ["Decrypt", "Decrypt"],
  );
  const text = await registry.text();
  for (const line of [
    'apiserver_envelope_encryption_kms_operations_latency_seconds_count{grpc_status_code="DeadlineExceeded",method_name="/v2.KeyManagementService/Status",provider_name="vault"} 1',
    'apiserver_envelope_encryption_kms_operations_latency_seconds_count{grpc_status_code="OK",method_name="/v2.KeyManagementService/Decrypt",provider_name="vault"} 2',
    'apiserver_storage_transformation_operations_total{resource="configmaps",status="DeadlineExceeded",transformation_type="from_storage",transformer_prefix="k8s:enc:kms:v2:vault:"} 1',
    "apiserver_storage_envelope_transformation_cache_misses_total 3",
  ])
    assert.ok(text.includes(`${line}\n`), line);
  assert.match(text, /^apiserver_envelope_encryption_dek_source_cache_size\{provider_name="vault"\} [12]$/m);
  const hash = (name: string): string => `sha256:${createHash("sha256").update(name).digest("hex")}`;
  assert.ok(
    text.includes(
      `apiserver_envelope_encryption_key_id_hash_total{apiserver_id_hash="${hash("me")}",key_id_hash="${hash("k1")}",provider_name="vault",transformation_type="from_storage"} 3\n`,
    ),
    text,
  );
});

test("a write has a span for what the plugin's key does to it, within that of the store", async (t) => {
  const { path } = await plugin(t);
  const clock = new FakeClock();
  const spans: FinishedSpan[] = [];
  const tracer = new Tracer({
    clock,
    log: silentLogger,
    samplingRatePerMillion: 1_000_000,
    send: (batch) => Promise.resolve(void spans.push(...batch)),
  });
  const encryption = openEncryption(await openMemoryStore({ clock }), { clock, log: silentLogger });
  await encryption.configure(config(path));
  const h = await startHarness({ store: encryption.store, tracer });
  t.after(async () => {
    encryption.close();
    await h.close();
  });
  assert.equal((await h.call("POST", maps, configMap("a"))).status, 201);
  assert.equal((await h.call("POST", "/api/v1/namespaces", { metadata: { name: "n" } })).status, 201);
  await tracer.close();
  const parts = spans.filter(({ name }) => name === "TransformToStorage with envelopeTransformer");
  assert.deepEqual(
    parts.map(({ attributes }) => attributes),
    [{ "transformer.provider.name": "vault" }],
  );
  const write = spans.find(({ context }) => context.spanId === parts[0]?.parentId);
  assert.equal(write?.name, "Create etcd3");
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
