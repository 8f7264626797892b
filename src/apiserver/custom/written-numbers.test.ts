/** Numbers of custom resources that are written with a point or an exponent are floating-point numbers, as in Go. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { until } from "../../testing/index.ts";
import { type Harness, startHarness } from "../testing/harness.ts";

let h: Harness;
const path = "/apis/numbers.example.com/v1/counts";
const below5 = { "x-kubernetes-validations": [{ rule: "self < 5", message: "below 5" }] };
const properties = {
  replicas: { type: "integer" },
  whole: { type: "integer" },
  any: { type: "number", enum: [1, 2.5] },
  most: { type: "integer", maximum: 10 },
  text: { type: "string" },
  set: { type: "array", "x-kubernetes-list-type": "set", items: { type: "number" } },
  ruled: { type: "integer", ...below5 },
  both: {
    type: "array",
    maxItems: 5,
    "x-kubernetes-list-type": "set",
    items: { type: "number" },
    "x-kubernetes-validations": [{ rule: "self == [1.5, 1.0]", message: "1 and 1.5" }],
  },
  either: { "x-kubernetes-int-or-string": true },
  object: {
    type: "object",
    properties: { a: { type: "integer" }, b: { type: "integer" } },
    "x-kubernetes-validations": [{ rule: "self.b < 5 || has(self.a)", message: "b" }],
  },
};

before(async () => {
  h = await startHarness();
  const schema = { type: "object", properties: { spec: { type: "object", properties } } };
  const scale = { specReplicasPath: ".spec.replicas", statusReplicasPath: ".status.replicas" };
  const made = await h.call("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "counts.numbers.example.com" },
    spec: {
      group: "numbers.example.com",
      scope: "Cluster",
      names: { plural: "counts", kind: "Count" },
      versions: [
        {
          name: "v1",
          served: true,
          storage: true,
          schema: { openAPIV3Schema: schema },
          subresources: { scale },
        },
      ],
    },
  });
  assert.equal(made.status, 201, made.text);
  await until("the kind", async () => (await h.call("GET", path)).status === 200);
});
after(() => h.close());

let count = 0;

/** The first mistake; undefined when there is none. */
async function mistake(spec: string): Promise<string | undefined> {
  const name = `n${++count}`;
  const body = `{"apiVersion":"numbers.example.com/v1","kind":"Count","metadata":{"name":"${name}"},"spec":${spec}}`;
  const { body: answer, status } = await h.call("POST", path, body);
  if (status === 201) return undefined;
  return answer.details?.causes[0].message.replace("Invalid value: ", "") ?? answer.message;
}

test("what is whole and exact is an integer, but not one of replicas", async () => {
  const whole = async (given: string): Promise<string | undefined> => mistake(`{"whole":${given}}`);
  for (const given of ["1", "1.0", "1e10", "-5.0", "1000000000000000000", "9007199254740991.0"])
    assert.equal(await whole(given), undefined, given);
  const type = '"number": spec.whole in body must be of type integer: "number"';
  for (const given of ["1.5", "1e18", "9223372036854775808", "9007199254740993.0"])
    assert.equal(await whole(given), type, given);
  assert.equal(
    await whole("1e400"),
    'Count in version "v1" cannot be handled as a Count: json: cannot unmarshal number 1e400 into Go value of type float64',
  );
  assert.equal(await mistake('{"replicas":1}'), undefined);
  const access = ".spec.replicas accessor error: 1 is of the type float64, expected int64";
  assert.equal(await mistake('{"replicas":1.0}'), `0: ${access}`);
});

test("messages show them so", async () => {
  assert.equal(await mistake('{"most":1e10}'), "1e+10: spec.most in body should be less than or equal to 10");
  assert.equal(
    await mistake('{"most":10000000000}'),
    "10000000000: spec.most in body should be less than or equal to 10",
  );
  assert.equal(await mistake('{"any":-0.0}'), 'Unsupported value: -0: supported values: "1", "2.5"');
  const type = (name: string): string => `"${name}": spec.text in body must be of type string: "${name}"`;
  assert.equal(await mistake('{"text":1.0}'), type("number"));
  assert.equal(await mistake('{"text":1}'), type("integer"));
});

test("no integer equals them in a set", async () => {
  assert.equal(await mistake('{"set":[1,1.0]}'), undefined);
  assert.equal(await mistake('{"set":[1.0,1.00]}'), "Duplicate value: 1");
  assert.equal(await mistake('{"set":[1,1]}'), "Duplicate value: 1");
});

test("rules that ask for an integer are told", async () => {
  const told = '"integer": invalid data, expected int, got float64 evaluating rule: below 5';
  assert.equal(await mistake('{"ruled":1}'), undefined);
  assert.equal(await mistake('{"ruled":1.0}'), told);
  // Where nobody asks, nobody is told, and another operand may settle it.
  assert.equal(await mistake('{"object":{"a":1.0,"b":1}}'), undefined);
  assert.equal(await mistake('{"object":{"a":1,"b":7.0}}'), undefined);
  assert.match((await mistake('{"object":{"a":1.0,"b":7}}')) ?? "", /^"object": invalid data, expected int/);
  assert.equal(await mistake('{"either":1.0}'), undefined);
});

test("what is stored is read as it is stored", async () => {
  const one = `${path}/stored`;
  const merge = { "content-type": "application/merge-patch+json" };
  const body =
    '{"apiVersion":"numbers.example.com/v1","kind":"Count","metadata":{"name":"stored"},"spec":{"whole":1.0}}';
  assert.equal((await h.call("POST", path, body)).body.spec.whole, 1);
  const generation = async (patch: string): Promise<number> =>
    (await h.call("PATCH", one, patch, merge)).body.metadata.generation;
  assert.equal(await generation('{"spec":{"whole":1}}'), 1);
  assert.equal(await generation('{"spec":{"whole":1.0}}'), 2);
  assert.equal(await generation('{"metadata":{"labels":{"a":"b"}}}'), 2);
  const tested = async (value: string): Promise<number> => {
    const patch = `[{"op":"test","path":"/spec/whole","value":${value}}]`;
    return (await h.call("PATCH", one, patch, { "content-type": "application/json-patch+json" })).status;
  };
  assert.equal(await tested("1"), 200);
  assert.equal(await tested("1.0"), 422);
});

test("rules know the items of a set by how they are written", async () => {
  assert.equal(await mistake('{"both":[1.0,1.5]}'), undefined);
  assert.equal(await mistake('{"both":[1,1.5]}'), "1 and 1.5");
});
