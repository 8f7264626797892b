/** Protobuf as typed Go clients send and read it. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { KubeObject } from "../../api/index.ts";
import { decodeObject } from "../codec/protobuf/decode.ts";
import { encodeObject, protobufType } from "../codec/protobuf/envelope.ts";
import { loadMessages, type Messages } from "../codec/protobuf/messages.ts";
import { WireReader } from "../codec/protobuf/wire.ts";
import { configMap, failure, type Harness, pod, startHarness } from "../testing/harness.ts";

let h: Harness;
let messages: Messages;
const maps = "/api/v1/namespaces/default/configmaps";
const asProtobuf = { accept: `${protobufType},application/json` };
// biome-ignore lint: answers are looked into freely
type Loose = any;

before(async () => {
  h = await startHarness();
  messages = await loadMessages();
  for (const name of ["a", "b", "c"]) await h.call("POST", maps, configMap(name, { n: name }, { app: name }));
});
after(() => h.close());

async function read(path: string, headers: Record<string, string> = asProtobuf): Promise<Loose> {
  const answered = await h.call("GET", path, undefined, headers);
  assert.equal(answered.headers["content-type"], protobufType, answered.text);
  return decodeObject(messages, answered.bytes);
}

test("objects and lists are the same as in JSON", async () => {
  const json = (await h.call("GET", `${maps}/a`)).body;
  assert.deepEqual(await read(`${maps}/a`), json);
  const list = (await h.call("GET", `${maps}?limit=2`)).body;
  const decoded = await read(`${maps}?limit=2`);
  assert.equal(decoded.kind, "ConfigMapList");
  assert.deepEqual(decoded.metadata, list.metadata);
  assert.deepEqual(decoded.items, list.items);
  assert.deepEqual((await read(`${maps}?labelSelector=app%3Dnone`)).items ?? [], []);
});

test("both spellings of an event", async () => {
  const event = {
    metadata: { name: "e" },
    involvedObject: { kind: "Pod", name: "p", namespace: "default" },
    reason: "Tested",
    type: "Normal",
    message: "m",
  };
  await h.call("POST", "/api/v1/namespaces/default/events", event);
  const core = await read("/api/v1/namespaces/default/events/e");
  const own = await read("/apis/events.k8s.io/v1/namespaces/default/events");
  assert.equal(core.message, "m");
  assert.equal(own.kind, "EventList");
  assert.deepEqual([own.items[0].note, own.items[0].regarding.name], ["m", "p"]);
});

test("a long list goes out in pieces and is whole", async () => {
  for (let i = 0; i < 6; i++)
    await h.call("POST", maps, configMap(`big${i}`, { text: String(i).repeat(400_000) }));
  const { items } = await read(maps);
  const big = items.filter((item: KubeObject) => item.metadata?.name?.startsWith("big"));
  assert.deepEqual(
    big.map((item: Loose) => [item.metadata.name, item.data.text.length]),
    [0, 1, 2, 3, 4, 5].map((i) => [`big${i}`, 400_000]),
  );
  for (let i = 0; i < 6; i++) await h.call("DELETE", `${maps}/big${i}`);
});

test("bodies, answers, options and errors", async () => {
  // Required by pods.
  await h.call("POST", "/api/v1/namespaces/default/serviceaccounts", { metadata: { name: "default" } });
  const body = encodeObject(messages, pod("p"));
  const headers = { ...asProtobuf, "content-type": protobufType };
  const created = await h.call("POST", "/api/v1/namespaces/default/pods", body, headers);
  assert.equal(created.status, 201);
  const object = decodeObject(messages, created.bytes) as Loose;
  assert.equal(object.spec.containers[0].imagePullPolicy, "Always");
  const again = await h.call("POST", "/api/v1/namespaces/default/pods", body, headers);
  assert.equal(again.status, 409);
  const status = decodeObject(messages, again.bytes) as Loose;
  assert.deepEqual([status.kind, status.reason, status.code], ["Status", "AlreadyExists", 409]);
  const options = encodeObject(messages, {
    kind: "DeleteOptions",
    apiVersion: "v1",
    preconditions: { uid: "none" },
  } as object);
  const refused = await h.call("DELETE", "/api/v1/namespaces/default/pods/p", options, headers);
  assert.equal(refused.status, 409);
  const gone = await h.call("DELETE", "/api/v1/namespaces/default/pods/p", undefined, asProtobuf);
  assert.equal((decodeObject(messages, gone.bytes) as Loose).kind, "Pod");
});

test("bodies that cannot be read are refused in Kubernetes' words", async () => {
  const send = async (body: Buffer): Promise<string> =>
    failure(await h.call("POST", maps, body, { "content-type": protobufType }), 400).message as string;
  assert.equal(
    await send(Buffer.from("abc")),
    "the object provided is unrecognized (must be of type ConfigMap): provided data does not appear to be a protobuf message, expected prefix [107 56 115 0] (616263)",
  );
  const good = encodeObject(messages, configMap("x", { a: "b" }));
  assert.equal(
    await send(Buffer.from(good.toString("latin1").replace("ConfigMap", "ConfigNap"), "latin1")),
    'ConfigNap in version "v1" cannot be handled as a ConfigMap: no kind "ConfigNap" is registered for version "v1" in scheme "pkg/runtime/scheme.go:111"',
  );
  const cut = Buffer.from("k8s\0\n\x0f\n\x02v1\x12\tConfigMap\x12\x02\n\x05", "latin1");
  assert.equal(await send(cut), 'ConfigMap in version "v1" cannot be handled as a ConfigMap: unexpected EOF');
  assert.equal(
    await send(encodeObject(messages, pod("x"))),
    'Pod in version "v1" cannot be handled as a ConfigMap: converting (v1.Pod) to (core.ConfigMap): unknown conversion',
  );
});

test("which encoding: by preference, tables never, transformations too", async () => {
  const type = async (path: string, accept: string): Promise<string | undefined> =>
    (await h.call("GET", path, undefined, { accept })).headers["content-type"];
  const table = ";as=Table;v=v1;g=meta.k8s.io";
  const partial = ";as=PartialObjectMetadata;v=v1;g=meta.k8s.io";
  assert.equal(await type(`${maps}/a`, `application/json;q=0.8, ${protobufType}`), protobufType);
  assert.equal(await type(`${maps}/a`, `*/*, ${protobufType};q=0.9`), "application/json");
  assert.equal(await type(`${maps}/a`, `${protobufType}${table},application/json`), "application/json");
  assert.equal(
    failure(await h.call("GET", `${maps}/a`, undefined, { accept: protobufType + table }), 406).message,
    "only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf",
  );
  const shown = await read(`${maps}/a`, { accept: protobufType + partial });
  assert.deepEqual(
    [shown.kind, shown.apiVersion, shown.metadata.name],
    ["PartialObjectMetadata", "meta.k8s.io/v1", "a"],
  );
  assert.equal(
    failure(await h.call("GET", maps, undefined, { accept: `application/json${partial}` }), 406).message,
    "you requested PartialObjectMetadata, but the requested object is a list (*core.ConfigMapList)",
  );
  const list = await read(maps, { accept: `${protobufType}${partial.replace(";v", "List;v")}` });
  assert.equal(list.kind, "PartialObjectMetadataList");
  assert.equal(list.items[0].data, undefined);
});

test("discovery documents", async () => {
  const resources = await read("/apis/apps/v1");
  assert.equal(resources.kind, "APIResourceList");
  assert.ok(
    resources.resources.some((each: Loose) => each.name === "deployments/scale" && each.kind === "Scale"),
  );
  assert.equal((await read("/apis")).kind, "APIGroupList");
  assert.equal((await read("/apis/apps")).preferredVersion.version, "v1");
  const accept = `${protobufType};g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList`;
  const answered = await h.call("GET", "/apis", undefined, { accept });
  assert.equal(answered.headers["content-type"], accept);
  assert.equal((decodeObject(messages, answered.bytes) as Loose).kind, "APIGroupDiscoveryList");
});

test("a watch is a run of frames with their lengths before them", async () => {
  const from = h.store.revision;
  await h.call(
    "PATCH",
    `${maps}/a`,
    { data: { n: "2" } },
    { "content-type": "application/merge-patch+json" },
  );
  await h.call("DELETE", `${maps}/c`);
  const path = `${maps}?watch=1&resourceVersion=${from}&labelSelector=app`;
  const stop = new AbortController();
  const { headers, body } = await h.server.handle({
    method: "GET",
    path,
    headers: { accept: `${protobufType};stream=watch` },
    peer: { address: "127.0.0.1", certificate: { commonName: "admin", organizations: ["system:masters"] } },
    signal: stop.signal,
  });
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) if (chunks.push(chunk) === 2) break;
  stop.abort();
  const bytes = Buffer.concat(chunks);
  assert.equal(headers["content-type"], `${protobufType};stream=watch`);
  const events: [string, Loose][] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 4 + bytes.readUInt32BE(at);
    const reader = new WireReader(bytes.subarray(at + 4, end));
    let type = "";
    while (reader.next()) {
      if (reader.number === 1) type = reader.text();
      else {
        const raw = new WireReader(reader.bytes());
        assert.ok(raw.next());
        events.push([type, decodeObject(messages, raw.bytes())]);
      }
    }
    at = end;
  }
  assert.deepEqual(
    events.map(([type, object]) => [type, object.kind, object.metadata.name, object.data.n]),
    [
      ["MODIFIED", "ConfigMap", "a", "2"],
      ["DELETED", "ConfigMap", "c", "c"],
    ],
  );
});
