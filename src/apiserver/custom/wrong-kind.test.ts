import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { failure, type Harness } from "../testing/harness.ts";
import { crd, path, withTabs } from "../testing/tabs.ts";

let h: Harness;
const rule = { rule: "!has(self.size) || self.size < 5", message: "small" };
const spec = {
  type: "object",
  "x-kubernetes-validations": [rule],
  properties: { size: { type: "integer" } },
};
const schema = { openAPIV3Schema: { type: "object", required: ["spec"], properties: { spec } } };

before(async () => {
  h = await withTabs(crd([{ name: "v1", served: true, storage: true, schema }]));
  await h.call("POST", path, tab({ size: 1 }, "Tab"));
});
after(() => h.close());

const tab = (size: object, kind = "Other", metadata: object = {}) => ({
  apiVersion: "stable.example.com/v1",
  kind,
  metadata: { name: "a", ...metadata },
  spec: size,
});

test("another kind than the path's is told of when the object is validated, with rules and without its schema", async () => {
  const { details } = failure(await h.call("POST", path, { ...tab({ size: 9 }), foo: 1 }), 422);
  assert.deepEqual(
    [details?.kind, details?.causes?.map(({ field, message }) => [field, message])],
    [
      "Other",
      [
        ["kind", 'Invalid value: "Other": must be Tab'],
        ["spec", "Invalid value: small"],
      ],
    ],
  );
  const { spec: _none, ...bare } = tab({});
  assert.equal(failure(await h.call("POST", path, bare), 422).details?.causes?.length, 1);
});

test("what else is wrong with a change is told before its kind", async () => {
  const causes = async (method: string, at: string, body: object, status: number) => {
    const said = failure(await h.call(method, at, body), status);
    return said.details?.causes?.map(({ field }) => field) ?? said.message;
  };
  assert.match(String(await causes("PUT", `${path}/b`, tab({}), 400)), /does not match the name on the URL/);
  assert.deepEqual(await causes("PUT", `${path}/a`, tab({}), 422), ["metadata.resourceVersion"]);
  const { resourceVersion } = (await h.call("GET", `${path}/a`)).body.metadata;
  const labels = { "a b": "c" };
  assert.deepEqual(await causes("PUT", `${path}/a`, tab({}, "Other", { resourceVersion, labels }), 422), [
    "metadata.labels",
    "metadata.labels",
    "kind",
  ]);
});

test("bodies without a kind, or with a version that is none", async () => {
  const said = async (method: string, at: string, body: string, headers = {}): Promise<string> =>
    (await h.call(method, at, body, headers)).body.message;
  const nameless = '{"apiVersion":"stable.example.com/v1","metadata":{"name":"x"}}';
  const missing = `Object 'Kind' is missing in '${nameless}'`;
  assert.match(await said("POST", path, nameless), /^the object provided is unrecognized/);
  const lenient = `Tab in version "v1" cannot be handled as a Tab: ${missing}`;
  assert.equal(await said("POST", `${path}?fieldValidation=Ignore`, nameless), lenient);
  assert.equal(await said("PUT", `${path}/x?fieldValidation=Ignore`, nameless), lenient);
  const yaml = "metadata: {name: x}\napiVersion: stable.example.com/v1\n";
  const asYaml = { "content-type": "application/yaml" };
  assert.equal(await said("POST", `${path}?fieldValidation=Ignore`, yaml, asYaml), lenient);
  assert.equal(
    await said("POST", path, '{"kind":"Tab","apiVersion":null}'),
    'Tab in version "" cannot be handled as a Tab: .apiVersion accessor error: <nil> is of the type <nil>, expected string',
  );
  const group = "unexpected GroupVersion string: a/b/c";
  assert.match(
    await said("POST", path, '{"kind":"Tab","apiVersion":"a/b/c"}'),
    new RegExp(`^the object provided is unrecognized \\(must be of type Tab\\): ${group} `),
  );
  const merge = { "content-type": "application/merge-patch+json" };
  assert.match(await said("PATCH", `${path}/a`, '{"apiVersion":"a/b/c"}', merge), new RegExp(`: ${group}$`));
  assert.match(
    await said("PATCH", `${path}/a`, '{"kind":1}', merge),
    /: couldn't get version\/kind; json parse error: json: cannot unmarshal number into Go struct field \.kind of type string$/,
  );
  const apply = { "content-type": "application/apply-patch+yaml" };
  assert.equal(
    await said("PATCH", `${path}/a?fieldManager=m`, '{"apiVersion":"a/b/c","kind":"Tab"}', apply),
    "invalid object type: /, Kind=",
  );
});
