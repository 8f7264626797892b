import assert from "node:assert/strict";
import { test } from "node:test";
import { findKind } from "./kinds.ts";
import { duplicateMembers, emptiedMembers, parseExact } from "../machinery/index.ts";
import { base64Problem, cannotHandle, conform, strictTexts, unknownFields } from "./conform.ts";

/** What is wrong with the JSON types of an object, in the words of Go's decoder. */
const typeProblem = (schema: string, object: object): string | undefined =>
  conform(schema, structuredClone(object)).problem;

const deployment = "io.k8s.api.apps.v1.Deployment";
const pod = "io.k8s.api.core.v1.Pod";

test("a value of the wrong JSON type is named as Go names it", () => {
  const cases: readonly (readonly [object, string])[] = [
    [
      { spec: { replicas: "3" } },
      "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32",
    ],
    [
      { spec: { replicas: 1.5 } },
      "json: cannot unmarshal number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32",
    ],
    [
      { spec: { template: { spec: { containers: [{ env: [{ name: "A", value: 1 }] }] } } } },
      "json: cannot unmarshal number into Go struct field EnvVar.spec.template.spec.containers.env.value of type string",
    ],
    [
      { spec: { template: { spec: { containers: {} } } } },
      "json: cannot unmarshal object into Go struct field PodSpec.spec.template.spec.containers of type []v1.Container",
    ],
    [
      { metadata: { annotations: { a: true } } },
      "json: cannot unmarshal bool into Go struct field ObjectMeta.metadata.annotations of type string",
    ],
    [
      { spec: { template: { spec: { containers: [{ resources: { limits: { cpu: "x" } } }] } } } },
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    ],
  ];
  for (const [object, text] of cases) assert.equal(typeProblem(deployment, object), text);
  // Types that decode by themselves end it, behind all else that is wrong; of that the first is told.
  const twice = { metadata: { generation: "5", labels: { a: 1 } }, spec: { replicas: "x", paused: 1 } };
  assert.match(
    typeProblem(deployment, twice) ?? "",
    /string into Go struct field ObjectMeta.metadata.generation/,
  );
  const own = {
    ...twice,
    spec: {
      replicas: [{}],
      template: { spec: { containers: [{ resources: { limits: { cpu: true } } }, 5] } },
    },
  };
  assert.match(typeProblem(deployment, own) ?? "", /^quantities must match/);
  const time = { metadata: { generation: "5", creationTimestamp: 5 }, spec: 7 };
  assert.equal(
    typeProblem(deployment, time),
    "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.creationTimestamp of type string",
  );
  assert.equal(
    cannotHandle("Deployment", "v1", "x"),
    'Deployment in version "v1" cannot be handled as a Deployment: x',
  );
});

test("unknown fields are dropped and named with their index, nulls are dropped, quantities made canonical", () => {
  const object = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "a", creationTimestamp: null, labels: { a: null } },
    spec: {
      containers: [{ name: "a", imag: "x", resources: { limits: { cpu: 0.5, memory: "1024Mi" } } }],
      foo: 1,
    },
  };
  assert.deepEqual(unknownFields(pod, object), ["spec.containers[0].imag", "spec.foo"]);
  assert.deepEqual(conform(pod, object), { unknown: ["spec.containers[0].imag", "spec.foo"] });
  assert.deepEqual(object as unknown, {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "a", labels: { a: "" } },
    spec: { containers: [{ name: "a", resources: { limits: { cpu: "500m", memory: "1Gi" } } }] },
  });
});

test("maps whose keys have a type of their own are called so", () => {
  const slice = findKind("resource.k8s.io", "v1", "resourceslices");
  assert.match(
    conform(slice?.schema, { spec: { devices: [{ capacity: "1" }] } }).problem ?? "",
    /Device\.spec\.devices\.capacity of type map\[v1\.QualifiedName\]v1\.DeviceCapacity$/,
  );
});

test("what is kept as JSON is there even if it is zero or empty", () => {
  const revision = findKind("apps", "v1", "controllerrevisions");
  for (const data of [0, "", false, [], "x"]) {
    const object = { metadata: { name: "a" }, revision: 1, data };
    conform(revision?.schema, object);
    assert.deepEqual(object.data, data);
    const found = revision?.strategy.validate?.(object as never) ?? [];
    assert.equal(
      found.at(-1)?.message,
      "Required value: data must be a valid JSON object",
      JSON.stringify(data),
    );
  }
});

test("members that stand twice in a JSON text are found", () => {
  const text = '{"a":1,"spec":{"x":[{"b":1,"b":2},"\\"b\\""],"y":{},"y":[]},"a":2}';
  assert.deepEqual(duplicateMembers(text), ["spec.x[0].b", "spec.y", "a"]);
  assert.deepEqual(strictTexts(["spec.foo"], ["a"]), ['unknown field "spec.foo"', 'duplicate field "a"']);
});

test("the path of a mistake names Go's embedded structs, and numbers of int-or-string are of 32 bits", () => {
  const container = (more: object): object => ({ spec: { containers: [{ name: "a", ...more }] } });
  const cases: readonly (readonly [object, string])[] = [
    [
      { spec: { volumes: [{ name: "v", configMap: { name: 1 } }] } },
      "json: cannot unmarshal number into Go struct field ConfigMapVolumeSource.spec.volumes.VolumeSource.configMap.LocalObjectReference.name of type string",
    ],
    [
      container({ readinessProbe: { httpGet: { port: 99999999999 } } }),
      "json: cannot unmarshal number 99999999999 into Go struct field HTTPGetAction.spec.containers.readinessProbe.ProbeHandler.httpGet.port of type int32",
    ],
    [
      { metadata: { creationTimestamp: 1 } },
      "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.creationTimestamp of type string",
    ],
    [
      { spec: { terminationGracePeriodSeconds: 2 ** 63 } },
      "json: cannot unmarshal number 9223372036854775808 into Go struct field PodSpec.spec.terminationGracePeriodSeconds of type int64",
    ],
  ];
  for (const [object, text] of cases) assert.equal(typeProblem(pod, object), text);
});

test("empty lists and maps are left out where they are optional, empty objects are not", () => {
  const object = {
    metadata: { name: "a", labels: {}, finalizers: [] },
    spec: {
      containers: [{ name: "a", env: [], resources: { limits: {} } }],
      volumes: [{ name: "v", emptyDir: {} }],
    },
  };
  assert.deepEqual(conform(pod, object), { unknown: [] });
  assert.deepEqual(JSON.parse(JSON.stringify(object)), {
    metadata: { name: "a" },
    spec: { containers: [{ name: "a", resources: {} }], volumes: [{ name: "v", emptyDir: {} }] },
  });
  // Messages tell what was given empty from what was not given.
  assert.deepEqual(emptiedMembers(object.metadata), ["labels", "finalizers"]);
  assert.deepEqual(emptiedMembers(object), []);
});

test("schemas inside schemas: a list's, a map's, or a plain boolean; what they do not know goes without a word", () => {
  const props = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps";
  const schema = {
    type: "object",
    items: { type: "string", zz: 1, default: null },
    additionalProperties: { items: { zz: 1, type: "array" } },
    not: { zz: 1 },
  };
  assert.deepEqual(conform(props, schema).unknown, ["not.zz"]);
  assert.deepEqual(schema, {
    type: "object",
    items: { type: "string" },
    additionalProperties: { items: { type: "array" } },
    not: {},
  });
  assert.equal(
    typeProblem(props, { items: { items: { type: 5 } } }),
    "json: cannot unmarshal number into Go struct field JSONSchemaProps.items.items.type of type string",
  );
  assert.equal(typeProblem(props, { additionalProperties: 5 }), "boolean or JSON schema expected");
  const odd = { items: 5, additionalProperties: false };
  assert.equal(conform(props, odd).problem, undefined);
  assert.deepEqual(odd, { additionalProperties: false });
});

test("times with microseconds have six digits, no more and no fewer", () => {
  const lease = "io.k8s.api.coordination.v1.Lease";
  const why = (renewTime: string) => typeProblem(lease, { spec: { renewTime } })?.replace(/^.*: /, "");
  assert.equal(why("2026-01-02T03:04:05.123456+01:00"), undefined);
  assert.equal(why("2026-01-02T03:04:05Z"), 'cannot parse "Z" as ".000000"');
  assert.equal(why("2026-01-02T03:04:05.123456789Z"), 'cannot parse "789Z" as "Z07:00"');
  assert.equal(why(""), 'cannot parse "" as "2006"');
});

test("text that is not base64: Go names the place of the first wrong character", () => {
  const places = ["a", "abcd*", "ab=c", "ab=", "a===", "abc=d", "ab==c", "abcde"].map((text) => {
    const { problem = "" } = conform("io.k8s.api.core.v1.Secret", { data: { k: text } });
    return Number(/input byte (\d+)$/.exec(problem)?.[1]);
  });
  assert.deepEqual(places, [0, 4, 2, 3, 1, 4, 4, 4]);
  assert.match(conform("io.k8s.api.core.v1.Secret", { data: { k: "a\nb" } }).problem ?? "", /byte 1$/);
  // Line breaks are left out, but counted.
  assert.deepEqual(
    ["a\nb", "ab\n*d", "ab=\nc", "ab\n=", "abc=\nd", "abcd\n"].map((text) => base64Problem(text)?.slice(-1)),
    ["1", "3", "3", "4", "5", undefined],
  );
});

test("a number that no float64 can hold is refused, wherever it stands", () => {
  const definition = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps";
  const of = (text: string): string | undefined => conform(definition, parseExact(text) as object).problem;
  assert.equal(
    of('{"maximum":1e999}'),
    "json: cannot unmarshal number 1e999 into Go struct field JSONSchemaProps.maximum of type float64",
  );
  const plain = "json: cannot unmarshal number -1e400 into Go value of type float64";
  assert.equal(of('{"default":-1e400}'), plain);
  assert.equal(of('{"default":{"a":[1,{"b":-1e400}]}}'), plain);
  assert.equal(of('{"default":{"a":[1,{"b":1e300}]}}'), undefined);
});

test("a mistake in a schema that is decoded by itself counts before others", () => {
  const props = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps";
  const number = "json: cannot unmarshal number into Go struct field JSONSchemaProps";
  for (const [schema, told] of [
    [{ type: 5, items: { type: 5 } }, "items.type of type string"],
    [{ items: { type: 5, items: { type: 6 } } }, "items.items.type of type string"],
    [{ id: 5, additionalProperties: { type: 5 } }, "additionalProperties.type of type string"],
    [{ type: 5, items: [{ type: "a" }, { id: 5 }, 5] }, "items.id of type string"],
    [{ items: [5] }, "items of type v1.JSONSchemaProps"],
    [{ type: 5, items: {}, id: 6 }, "type of type string"],
    [{ properties: { a: { type: 5 }, b: { items: { id: 6 } } } }, "properties.items.id of type string"],
  ] as const)
    assert.equal(typeProblem(props, schema), `${number}.${told}`);
});
