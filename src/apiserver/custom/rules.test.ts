import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "../../testing/index.ts";
import { failure, type Harness, startHarness } from "../testing/harness.ts";

const crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const path = "/apis/rules.example.com/v1/rules";

const crd = (spec: object, more: object = {}) => ({
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "rules.rules.example.com" },
  spec: {
    group: "rules.example.com",
    scope: "Cluster",
    names: { plural: "rules", kind: "Rule" },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: "object", properties: { spec }, ...more } },
      },
    ],
  },
});

const rule = (spec: object, name = "a") => ({
  apiVersion: "rules.example.com/v1",
  kind: "Rule",
  metadata: { name },
  spec,
});

async function withRules(spec: object, more: object = {}): Promise<Harness> {
  const h = await startHarness();
  const made = await h.call("POST", crds, crd(spec, more));
  assert.equal(made.status, 201, made.text);
  await until("the kind", async () => (await h.call("GET", path)).status === 200);
  return h;
}

const range = {
  type: "object",
  properties: {
    min: { type: "integer" },
    max: { type: "integer" },
    "a-b": { type: "string", maxLength: 10 },
    name: {
      type: "string",
      maxLength: 10,
      "x-kubernetes-validations": [{ rule: "self == oldSelf", message: "name stays" }],
    },
    items: {
      type: "array",
      maxItems: 4,
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["id"],
      items: {
        type: "object",
        required: ["id"],
        properties: { id: { type: "string", maxLength: 5 }, n: { type: "integer" } },
        "x-kubernetes-validations": [{ rule: "self.n >= oldSelf.n" }],
      },
    },
  },
  "x-kubernetes-validations": [
    { rule: "!has(self.min) || !has(self.max) || self.min <= self.max" },
    {
      rule: "!has(self.max) || self.max < 100",
      messageExpression: "'max is %d'.format([self.max])",
      reason: "FieldValueForbidden",
      fieldPath: ".max",
    },
    { rule: "!has(self.a__dash__b) || self.a__dash__b != 'x'", message: "a-b" },
  ],
};

test("an object is held against the rules of its schema, at every level", async () => {
  const h = await withRules(range, {
    "x-kubernetes-validations": [{ rule: "self.metadata.name != 'bad'", message: "a bad name" }],
  });
  const refused = async (spec: object, name?: string): Promise<string> =>
    failure(await h.call("POST", path, rule(spec, name)), 422).message ?? "";
  assert.equal(
    await refused({ min: 5, max: 1 }),
    'Rule.rules.example.com "a" is invalid: spec: Invalid value: failed rule: !has(self.min) || !has(self.max) || self.min <= self.max',
  );
  assert.match(await refused({ max: 100 }), /spec\.max: Forbidden: max is 100$/);
  assert.match(await refused({ "a-b": "x" }), /spec: Invalid value: a-b$/);
  assert.match(await refused({}, "bad"), /<nil>: Invalid value: a bad name$/);
  // Numbers are exact beyond the precision of doubles.
  assert.match(await refused(JSON.parse('{"min":9007199254740992,"max":9007199254740991}')), /failed rule/);
  assert.match(await refused({ min: "x", max: 100 }), /some validation rules were not checked/);
  assert.equal((await h.call("POST", path, rule({ min: 1, max: 2 }))).status, 201);
  await h.close();
});

test("rules of a change see the old value, by its key in a list", async () => {
  const h = await withRules(range);
  const first = {
    name: "x",
    items: [
      { id: "p", n: 3 },
      { id: "q", n: 1 },
    ],
  };
  assert.equal((await h.call("POST", path, rule(first))).status, 201);
  const change = (spec: object) =>
    h.call("PATCH", `${path}/a`, { spec }, { "content-type": "application/merge-patch+json" });
  assert.match((await change({ name: "y" })).body.message, /spec\.name: Invalid value: "y": name stays$/);
  assert.match(
    (
      await change({
        items: [
          { id: "q", n: 1 },
          { id: "p", n: 2 },
        ],
      })
    ).body.message,
    /spec\.items\[1\]: Invalid value: failed rule: self\.n >= oldSelf\.n$/,
  );
  assert.equal(
    (
      await change({
        items: [
          { id: "r", n: 0 },
          { id: "p", n: 4 },
        ],
      })
    ).status,
    200,
  );
  await h.close();
});

test("what does not compile is refused with the definition", async () => {
  const h = await startHarness();
  const refused = async (
    one: object,
    spec: object = { type: "object", properties: { a: { type: "integer" } } },
  ) =>
    failure(await h.call("POST", crds, crd({ ...spec, "x-kubernetes-validations": [one] })), 422).message ??
    "";
  const at = "spec.validation.openAPIV3Schema.properties[spec].x-kubernetes-validations[0]";
  const wrong = await refused({ rule: "self.b > 1" });
  assert.ok(
    wrong.endsWith(
      `${at}.rule: Invalid value: {"Rule":"self.b \\u003e 1","Message":"","MessageExpression":"","Reason":null,"FieldPath":"","OptionalOldSelf":null}: compilation failed: ERROR: <input>:1:5: undefined field 'b'\n | self.b > 1\n | ....^`,
    ),
    wrong,
  );
  assert.match(await refused({ rule: "self.a" }), /cel expression must evaluate to a bool$/);
  assert.match(await refused({ rule: " " }), /rule: Required value: rule is not specified$/);
  assert.match(
    await refused({ rule: "true", fieldPath: ".z" }),
    /fieldPath: Invalid value: ".z": must be a valid path$/,
  );
  assert.match(
    await refused({ rule: "true", messageExpression: "1" }),
    /messageExpression must evaluate to a string$/,
  );
  assert.match(
    await refused({ rule: "true", optionalOldSelf: true }),
    /may not be set if oldSelf is not used in rule$/,
  );
  await h.close();
});

test("a default is held against the rules, as a value that stays and as one that is new", async () => {
  const h = await startHarness();
  const message = async (rule: object, fallback: unknown = "b"): Promise<string> => {
    const spec = { type: "string", maxLength: 9, default: fallback, "x-kubernetes-validations": [rule] };
    const { text, body } = await h.call("POST", `${crds}?dryRun=All`, crd(spec));
    if (body.kind !== "Status") return text.slice(0, 0);
    // The cost limit is not reported in addition.
    assert.equal(body.details.causes.length, 1);
    return body.details.causes[0].message as string;
  };
  assert.equal(
    await message({ rule: "self == 'a'", messageExpression: "'size ' + string(self.size() * 2)" }),
    'Invalid value: "b": size 2',
  );
  assert.equal(await message({ rule: "self == 'a'" }), `Invalid value: "b": failed rule: self == 'a'`);
  assert.equal(await message({ rule: "self == 'b'" }), "");
  assert.equal(
    await message({ rule: "self" }),
    'Invalid value: "string": rule compile error: cel expression must evaluate to a bool',
  );
  assert.equal(await message({ rule: "self == oldSelf" }), "");
  assert.equal(
    await message({ rule: "oldSelf.hasValue()", optionalOldSelf: true, message: "never new" }),
    `Invalid value: "b": never new`,
  );
  await h.close();
});

test("a schema without a type has nothing that a rule could look at", async () => {
  const h = await startHarness();
  const spec = {
    "x-kubernetes-preserve-unknown-fields": true,
    "x-kubernetes-validations": [{ rule: "self.a" }],
  };
  const { details } = failure(await h.call("POST", crds, crd(spec)), 422);
  assert.deepEqual(
    details?.causes?.map(({ reason, field, message }) => [reason, field, message]),
    [
      [
        "InternalError",
        "spec.validation.openAPIV3Schema.properties[spec].x-kubernetes-validations",
        "Internal error: internal error: failed to construct type information for x-kubernetes-validations rules: unable to convert structural schema to CEL declarations",
      ],
    ],
  );
  await h.close();
});

test("what was wrong before a rule came may stay, with a warning", async () => {
  const spec = { type: "object", properties: { a: { type: "integer" }, b: { type: "integer" } } };
  const h = await withRules(spec);
  assert.equal((await h.call("POST", path, rule({ a: 1 }))).status, 201);
  const { body } = await h.call("GET", `${crds}/rules.rules.example.com`);
  const limited = structuredClone(body);
  limited.spec.versions[0].schema.openAPIV3Schema.properties.spec.properties.a["x-kubernetes-validations"] = [
    { rule: "self > 5", message: "too small" },
  ];
  assert.equal((await h.call("PUT", `${crds}/rules.rules.example.com`, limited)).status, 200);
  const change = (to: object) =>
    h.call("PATCH", `${path}/a`, { spec: to }, { "content-type": "application/merge-patch+json" });
  let i = 0;
  const answer = await until("the new rule", async () => {
    const changed = await change({ a: 1 + (i++ % 2) });
    return changed.status !== 200 && changed;
  });
  assert.equal(answer.status, 422);
  const kept = await change({ b: 1 });
  assert.equal(kept.status, 200);
  assert.match(String(kept.headers.warning), /spec\.a: Invalid value: \d: too small/);
  await h.close();
});

test("sets and maps are equal in any order and joined by their items; durations are OpenAPI's; messages see the old value", async () => {
  const text = { type: "string", maxLength: 10 };
  const list = (type: string, items: object, more: object = {}) => ({
    ...{ type: "array", maxItems: 5, items, "x-kubernetes-list-type": type },
    ...more,
  });
  const h = await withRules({
    type: "object",
    properties: {
      set: {
        ...list("set", text),
        "x-kubernetes-validations": [
          { rule: "self == ['a', 'b']" },
          { rule: "self + ['b', 'c'] == ['c', 'a', 'b']" },
        ],
      },
      map: {
        ...list(
          "map",
          { type: "object", required: ["id"], properties: { id: text, n: { type: "integer" } } },
          { "x-kubernetes-list-map-keys": ["id"] },
        ),
        "x-kubernetes-validations": [
          { rule: "self == oldSelf", message: "other items" },
          { rule: "(self + oldSelf).size() == self.size()", message: "more items" },
        ],
      },
      duration: {
        ...{ type: "string", format: "duration", maxLength: 10 },
        "x-kubernetes-validations": [{ rule: "self < duration('40h')", message: "too long" }],
      },
      stays: {
        ...text,
        "x-kubernetes-validations": [
          {
            rule: "!oldSelf.hasValue() || oldSelf.value() == self",
            ...{ optionalOldSelf: true, messageExpression: "oldSelf.hasValue() ? 'was' : 'was not'" },
          },
        ],
      },
    },
  });
  const causes = (answer: { body: { details?: { causes?: { message: string }[] } } }) =>
    answer.body.details?.causes?.map(({ message }) => message);
  const items = (...ids: string[]) => ids.map((id) => ({ id, n: 1 }));
  const first = { set: ["b", "a"], map: items("a", "b"), duration: "1 day", stays: "x" };
  const made = await h.call("POST", path, rule(first));
  assert.equal(made.status, 201, made.text);
  const long = failure(await h.call("POST", path, rule({ duration: "2 days" }, "b")), 422);
  assert.deepEqual(
    long.details?.causes?.map(({ message }) => message),
    ['Invalid value: "2 days": too long'],
  );
  const merge = (spec: object) =>
    h.call("PATCH", `${path}/a`, { spec }, { "content-type": "application/merge-patch+json" });
  assert.equal((await merge({ map: items("b", "a") })).status, 200);
  assert.deepEqual(causes(await merge({ map: items("b", "c") })), [
    "Invalid value: other items",
    "Invalid value: more items",
  ]);
  assert.deepEqual(causes(await merge({ stays: "y" })), [
    'Invalid value: "y": failed rule: !oldSelf.hasValue() || oldSelf.value() == self',
  ]);
  await h.close();
});
