/** Invalid bodies, and bodies of other kinds: Go's errors, as in Kubernetes. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { configMap, failure, type Harness, startHarness } from "../testing/harness.ts";
import { protobufType } from "./protobuf/envelope.ts";
import { utf8Problem } from "./utf8-problem.ts";

let h: Harness;
const maps = "/api/v1/namespaces/default/configmaps";
before(async () => {
  h = await startHarness();
});
after(() => h.close());

const post = (body: unknown, type = "application/json", path = maps): ReturnType<Harness["call"]> =>
  h.call("POST", `${path}?dryRun=All`, body, { "content-type": type });
const refusal = async (body: unknown, type?: string, path?: string): Promise<string> => {
  const message = failure(await post(body, type, path), 400).message as string;
  return message
    .replace("the object provided is unrecognized (must be of type ConfigMap): ", "")
    .replace(/ \([^()]*\)$/, "");
};

test("JSON that ends too soon, or begins with what is no character of it", async () => {
  const wrong = "couldn't get version/kind; json parse error: ";
  const rows: readonly (readonly [string, string])[] = [
    ['{"a":fals', "invalid character ' ' in literal false (expecting 'e')"],
    ['{"a":-', "invalid character ' ' in numeric literal"],
    ['{"a":1.', "invalid character ' ' after decimal point in numeric literal"],
    ['{"a":"\\', "invalid character ' ' in string escape code"],
    ['{"a":"x', "unexpected end of JSON input"],
    ['{"a":', "unexpected end of JSON input"],
    ["\ufeff{}", "invalid character 'ï' looking for beginning of value"],
    ['{"a":é}', "invalid character 'Ã' looking for beginning of value"],
  ];
  for (const [body, expected] of rows) assert.equal(await refusal(body), wrong + expected, body);
});

test("version and kind are read first, in their order in the body and whatever capitals they have", async () => {
  const wrong = "couldn't get version/kind; json parse error: json: cannot unmarshal ";
  const first = `${wrong}bool into Go struct field .kind of type string`;
  for (const body of ['{"kind":true,"apiVersion":1}', '{"Kind":true}', '{"kind":"ConfigMap","KIND":true}'])
    assert.equal(await refusal(body), first, body);
  assert.equal(
    await refusal('{"apiVersion":1,"kind":true}'),
    `${wrong}number into Go struct field .apiVersion of type string`,
  );
  assert.match(await refusal('{"kind":9007199254740993}'), /cannot unmarshal number into/);
  const named = '{"APIversion":"v1","Kind":"Secret","metadata":{"name":"a"}}';
  assert.match(await refusal(named), /^Secret in version "v1" cannot be handled as a ConfigMap/);
  const taken = await post('{"Kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a"}}');
  assert.equal(taken.status, 201);
  assert.match(String(taken.headers.warning), /unknown field .*Kind/);
});

test("half of a surrogate pair stands for no character", async () => {
  const body = '{"metadata":{"name":"a","annotations":{"x":"\\ud800y"}}}';
  assert.equal((await post(body)).body.metadata.annotations.x, "\ufffdy");
});

test("YAML: bytes that are no text, what stands behind a document, the order of mistakes", async () => {
  const yaml = "application/yaml";
  assert.equal(await refusal("a: \u0001", yaml), "yaml: control characters are not allowed");
  assert.equal(await refusal(Buffer.from([0x61, 0xff]), yaml), "yaml: invalid leading UTF-8 octet");
  const flow = '{metadata: {name: "a}", labels: {x: z}}} # done\n';
  assert.equal(failure(await post(flow, yaml), 422).details?.name, "a}");
  assert.equal((await post("{metadata: {name: a}}{metadata: {name: b}", yaml)).body.metadata.name, "a");
  assert.match(await refusal("kind: ConfigMap\nimmutable: 5\ndata: x\n", yaml), /ConfigMap.data of type/);
});

test("what is wrong with bytes", () => {
  const problem = (...bytes: number[]): string | undefined => utf8Problem(Uint8Array.from(bytes));
  assert.equal(problem(0x61, 0xc3, 0xa9, 0xf0, 0x9f, 0x98, 0x80), undefined);
  assert.equal(problem(0x80), "invalid leading UTF-8 octet");
  assert.equal(problem(0xc3), "incomplete UTF-8 octet sequence");
  assert.equal(problem(0xc3, 0x61), "invalid trailing UTF-8 octet");
  assert.equal(problem(0xc0, 0x80), "invalid length of a UTF-8 sequence");
  assert.equal(problem(0xed, 0xa0, 0x80), "invalid Unicode character");
});

test("protobuf without a kind is what the path names; what is broken says where", async () => {
  const message = [0x0a, 0x05, 0x0a, 0x03, 0x70, 0x62, 0x78];
  const envelope = (...raw: number[]): Buffer => Buffer.from([0x6b, 0x38, 0x73, 0, 0x12, raw.length, ...raw]);
  const proto = (bytes: Buffer): ReturnType<Harness["call"]> => post(bytes, protobufType);
  const made = await proto(envelope(...message));
  assert.deepEqual([made.status, made.body.metadata?.name], [201, "pbx"]);
  assert.equal(await refusal(envelope().subarray(0, 4), protobufType), "empty body");
  assert.match(
    await refusal(Buffer.concat([envelope(), Buffer.from([7])]), protobufType),
    /^proto: Unknown: illegal tag 0/,
  );
  const handled = 'ConfigMap in version "v1" cannot be handled as a ConfigMap: ';
  assert.equal(
    await refusal(envelope(0x0f), protobufType),
    `${handled}proto: wrong wireType = 7 for field ObjectMeta`,
  );
});

test("kinds that are known, and are not what should be there", async () => {
  const registered = 'is registered for version "v1" in scheme "pkg/runtime/scheme.go:111"';
  const crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
  const events = "/apis/events.k8s.io/v1/namespaces/default/events";
  const body = (kind: string, apiVersion = "v1"): object => ({ kind, apiVersion });
  for (const kind of ["List", "DeleteOptions", "WatchEvent"])
    assert.match(
      await refusal(body(kind)),
      /converting \(v1.\w+\) to \(core.ConfigMap\): unknown conversion$/,
    );
  assert.match(await refusal(body("ConfigMap"), undefined, events), /to \(core.Event\): unknown conversion$/);
  const apart = await refusal(body("ConfigMap"), undefined, crds);
  assert.equal(apart.slice(apart.indexOf("no kind")), `no kind "ConfigMap" ${registered}`);
  assert.match(await refusal(body("DeleteOptions"), undefined, crds), /unknown conversion$/);
  assert.equal(await refusal(body("ConfigMap", "a/b/c")), "unexpected GroupVersion string: a/b/c");
});

test("a body in another version of the kind is understood, served or not, and refused for its version", async () => {
  const deployments = "/apis/apps/v1/namespaces/default/deployments";
  const scalers = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers";
  const other = async (path: string, kind: string, apiVersion: string): Promise<string> =>
    failure(await post({ kind, apiVersion }, undefined, path), 400).message ?? "";
  const mismatch = (given: string, wanted: string): string =>
    `the API version in the data (${given}) does not match the expected API version (${wanted})`;
  assert.equal(
    await other(deployments, "Deployment", "extensions/v1beta1"),
    mismatch("extensions/v1beta1", "apps/v1"),
  );
  assert.equal(
    await other(scalers, "HorizontalPodAutoscaler", "autoscaling/v1"),
    mismatch("autoscaling/v1", "autoscaling/v2"),
  );
  assert.match(
    await other(deployments, "Ingress", "extensions/v1beta1"),
    /converting \(v1beta1.Ingress\) to \(apps.Deployment\): unknown conversion$/,
  );
  assert.match(
    await other(deployments, "Deployment", "apps/v1beta3"),
    /^.*no kind "Deployment" is registered/,
  );
});

test("owned fields that cannot be read are nobody's", async () => {
  const managedFields = [
    { manager: "m", operation: "Update", apiVersion: "v1", fieldsType: "FieldsV1", fieldsV1: "text" },
  ];
  const made = await post({ ...configMap("owned"), metadata: { name: "owned", managedFields } });
  assert.equal(made.status, 201);
  const { metadata } = made.body as { metadata: { managedFields?: { manager: string }[] } };
  assert.ok(!metadata.managedFields?.some(({ manager }) => manager === "m"));
});

test("another version of the kind is read, warned of, and refused as the wrong version", async () => {
  const sets = "/apis/apps/v1/namespaces/default/statefulsets";
  const old = { apiVersion: "apps/v1beta2", kind: "StatefulSet", metadata: { name: "x" }, spec: { a: 1 } };
  const said = async (body: unknown, path?: string): Promise<unknown> =>
    failure(await post(body, undefined, path), 400).message;
  const mismatch = (given: string, wanted: string): string =>
    `the API version in the data (${given}) does not match the expected API version (${wanted})`;
  assert.equal(await said(old, sets), mismatch("apps/v1beta2", "apps/v1"));
  const warned = await post(old, undefined, sets);
  assert.equal(warned.headers["warning"], '299 - "unknown field \\"spec.a\\""');
  const unfit = await refusal({ ...old, spec: { replicas: "x" } }, undefined, sets);
  assert.match(unfit, /^StatefulSet in version "v1beta2" cannot be handled as a StatefulSet: json: cannot/);
  const other = await refusal({ ...old, kind: "Deployment" }, undefined, sets);
  assert.match(other, /converting \(v1beta2.Deployment\) to \(apps.StatefulSet\): unknown conversion$/);
  const events = "/api/v1/namespaces/default/events";
  const event = { apiVersion: "events.k8s.io/v1", kind: "Event", metadata: { name: "e" } };
  assert.equal(await said(event, events), mismatch("events.k8s.io/v1", "v1"));
  const reviews = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
  const review = { apiVersion: "authorization.k8s.io/v1beta1", kind: "SubjectAccessReview" };
  assert.equal(
    await said(review, reviews),
    mismatch("authorization.k8s.io/v1beta1", "authorization.k8s.io/v1"),
  );
  const crd = { apiVersion: "apiextensions.k8s.io/v1", kind: "CustomResourceDefinition" };
  assert.match(await refusal(crd), /no kind "CustomResourceDefinition" is registered/);
});

test("a dry run does not mind a version of what is to be created", async () => {
  const versioned = { ...configMap("v"), metadata: { name: "v", resourceVersion: "5" } };
  const shown = await post(versioned);
  assert.equal(shown.status, 201);
  assert.equal(shown.body.metadata.resourceVersion, "5");
  failure(await h.call("POST", maps, versioned), 500);
});

test("names are quoted as Go quotes them", async () => {
  const named = failure(await post('{"metadata":{"name":"a\\n\\"b"}}'), 422).message as string;
  assert.ok(named.startsWith('ConfigMap "a\\n\\"b" is invalid: '), named);
  const classes = "/apis/resource.k8s.io/v1/deviceclasses";
  const long = failure(
    await post({ metadata: { name: "x".repeat(254) }, spec: {} }, undefined, classes),
    422,
  );
  assert.match(long.message as string, /must be no more than 253 bytes$/);
});
