import assert from "node:assert/strict";
import { test } from "node:test";
import { noteEmptied } from "../../machinery/index.ts";
import type { KubeObject } from "../meta.ts";
import { scaleProblems } from "./scale-rules.ts";
import type { CustomResourceDefinition } from "../generated/types.ts";
import { crdKind } from "./crd.ts";
import { validateDefinition, validateDefinitionUpdate } from "./crd-rules.ts";
import type { SchemaProps } from "./schema-props.ts";

const spec = (schema: SchemaProps, more: object = {}): SchemaProps => ({
  type: "object",
  properties: { spec: { type: "object", properties: { x: schema } } },
  ...more,
});

function definition(schemas: SchemaProps[], more: object = {}): CustomResourceDefinition {
  return {
    metadata: { name: "tabs.example.com" },
    spec: {
      group: "example.com",
      scope: "Namespaced",
      names: { plural: "tabs", singular: "tab", kind: "Tab", listKind: "TabList" },
      versions: schemas.map((openAPIV3Schema, i) => ({
        name: `v${i + 1}`,
        served: true,
        storage: i === 0,
        schema: { openAPIV3Schema },
        ...more,
      })),
    },
    status: { storedVersions: ["v1"] },
  } as unknown as CustomResourceDefinition;
}

const texts = (crd: CustomResourceDefinition): string[] =>
  validateDefinition(crd).map(({ field, message }) => `${field}: ${message}`);

test("mistakes that all versions make are named once, at the top", () => {
  const list: SchemaProps = { type: "array" };
  const at = "openAPIV3Schema.properties[spec].properties[x].items: Required value: must be specified";
  assert.deepEqual(texts(definition([spec(list)])), [`spec.validation.${at}`]);
  assert.deepEqual(texts(definition([spec(list), spec(list)])), [`spec.validation.${at}`]);
  assert.deepEqual(texts(definition([spec({ type: "string" }), spec(list)])), [
    `spec.versions[1].schema.${at}`,
  ]);
});

test("combinations restrict values, and only of what is declared", () => {
  const found = texts(
    definition([
      spec(
        {
          "x-kubernetes-int-or-string": true,
          anyOf: [{ type: "integer" }, { type: "string" }],
        },
        { allOf: [{ properties: { other: { minLength: 1 } } }], oneOf: [{ type: "object" }] },
      ),
    ]),
  );
  assert.deepEqual(found, [
    "spec.validation.openAPIV3Schema.oneOf[0].type: Forbidden: must be empty to be structural",
    "spec.validation.openAPIV3Schema.properties[other]: Required value: because it is defined in spec.validation.openAPIV3Schema.allOf[0].properties[other]",
  ]);
});

test("keys of maps are always there", () => {
  const items: SchemaProps = { type: "object", properties: { a: { type: "string" } } };
  const map = (more: object): SchemaProps =>
    spec({
      type: "array",
      items: { ...items, ...more },
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["a"],
    });
  assert.deepEqual(texts(definition([map({ required: ["a"] })])), []);
  assert.match(texts(definition([map({})])).join(), /properties\[a\]\.default: Required value/);
  assert.match(texts(definition([map({ required: ["a"], nullable: true })])).join(), /cannot be nullable/);
});

test("defaults are what the schema lets in", () => {
  assert.deepEqual(texts(definition([spec({ type: "string", default: 3 })])), [
    'spec.validation.openAPIV3Schema.properties[spec].properties[x].default: Invalid value: "integer":  in body must be of type string: "integer"',
  ]);
  assert.match(
    texts(definition([spec({ type: "object", properties: {}, default: { a: 1 } })])).join(),
    /must not have unknown fields/,
  );
});

test("versions are shown as Kubernetes holds them", () => {
  const [found] = texts(definition([spec({ type: "string" })], { storage: false }));
  assert.equal(
    found,
    'spec.versions: Invalid value: [{"Name":"v1","Served":true,"Storage":false,"Deprecated":false,"DeprecationWarning":null,"Schema":null,"Subresources":null,"AdditionalPrinterColumns":null,"SelectableFields":null}]: must have exactly one version marked as storage version',
  );
});

test("a list of versions that was given as empty is shown so", () => {
  const none = definition([]);
  Object.assign(none.spec, { versions: undefined });
  const [absent] = texts(none);
  assert.match(absent ?? "", /^spec\.versions: Invalid value: null: must have exactly one/);
  noteEmptied(none.spec, "versions");
  const [empty] = texts(none);
  assert.match(empty ?? "", /^spec\.versions: Invalid value: \[\]: must have exactly one/);
});

test("versions that objects are stored in may not go", () => {
  const old = definition([spec({ type: "string" })]);
  const next = definition([spec({ type: "string" })]);
  next.status = { storedVersions: ["v0", "v1"] };
  assert.deepEqual(
    validateDefinitionUpdate(next, old).map(({ field }) => field),
    ["status.storedVersions[0]"],
  );
});

test("a storage version without a name is stored by that", () => {
  const nameless = definition([spec({ type: "string" })]);
  for (const version of nameless.spec?.versions ?? []) Object.assign(version, { name: undefined });
  crdKind.strategy.prepareForCreate?.(nameless as KubeObject);
  assert.deepEqual(nameless.status?.storedVersions, [""]);
  assert.ok(!texts(nameless).some((text) => text.startsWith("status.storedVersions")));
});

test("a storage version that is there twice is stored once", () => {
  const twice = definition([spec({ type: "string" }), spec({ type: "string" })]);
  for (const version of twice.spec?.versions ?? []) Object.assign(version, { name: "v1", storage: true });
  assert.equal(
    texts(twice).at(-1),
    'status.storedVersions: Invalid value: ["v1"]: must have the storage version v1',
  );
});

test("what is no number of replicas is named with its value and type as Go prints them", () => {
  const scale = { specReplicasPath: ".spec.n", statusReplicasPath: ".status.n" };
  const problem = (spec: unknown) =>
    scaleProblems(scale, { kind: "A", apiVersion: "b/v1", spec } as KubeObject, "spec")[0]?.message;
  const said = (text: string) => `Invalid value: 0: .spec.n accessor error: ${text}`;
  assert.equal(problem([]), said("[] is of the type []interface {}, expected map[string]interface{}"));
  assert.equal(problem({ n: 1.5 }), said("1.5 is of the type float64, expected int64"));
  assert.equal(
    problem({ n: { a: true } }),
    said("map[a:true] is of the type map[string]interface {}, expected int64"),
  );
});

test("the path of a selector must lead to a text", () => {
  const scale = {
    specReplicasPath: ".spec.n",
    statusReplicasPath: ".status.n",
    labelSelectorPath: ".status.s",
  };
  const object = { kind: "A", apiVersion: "b/v1", status: { n: -1n, s: 5n } } as KubeObject;
  assert.deepEqual(
    scaleProblems(scale, object, "status").map(({ field, message }) => [field, message]),
    [
      [".status.n", "Invalid value: -1: should be a non-negative integer"],
      [".status.s", 'Invalid value: "": .status.s accessor error: 5 is of the type int64, expected string'],
    ],
  );
  assert.equal(scaleProblems(scale, { ...object, status: { s: "a=b" } } as KubeObject, "status").length, 0);
});

test("mistakes of defaults are at the default; whether a number or a text stands there is not asked", () => {
  const at = "spec.validation.openAPIV3Schema.properties[spec].properties[x].default";
  const found = (schema: SchemaProps): string[] => texts(definition([spec(schema)]));
  const int: SchemaProps = { type: "integer" };
  assert.deepEqual(found({ "x-kubernetes-int-or-string": true, default: 1.5 }), []);
  assert.deepEqual(found({ type: "array", items: int, default: [1, "x"] }), [
    `${at}.[1]: Invalid value: "string": [1] in body must be of type integer: "string"`,
  ]);
  assert.deepEqual(found({ type: "object", additionalProperties: int, default: { a: "x" } }), [
    `${at}.a: Invalid value: "string": .a in body must be of type integer: "string"`,
  ]);
  assert.deepEqual(found({ type: "string", not: { pattern: "a" }, default: "a" }), [
    `${at}: Invalid value: "": "" must not validate the schema (not)`,
  ]);
});

test("what has no place in a definition is said of where it is", () => {
  assert.deepEqual(texts(definition([spec({ type: "string", $schema: "http://x" })])), [
    `spec.validation.openAPIV3Schema: Invalid value: "": OpenAPIV3Schema 'schema' is not supported`,
  ]);
  const text: SchemaProps = { type: "string" };
  const generated = definition([spec(text)]);
  generated.metadata = { ...generated.metadata, generateName: "tabs-" };
  assert.deepEqual(texts(generated), [
    'metadata.generateName: Invalid value: "tabs-": must be spec.names.plural+"."+spec.group',
  ]);
  const selected = definition([spec(text)], {
    schema: undefined,
    selectableFields: [{ jsonPath: ".spec.x" }],
  });
  assert.ok(
    texts(selected).includes(
      'spec.selectableFields: Invalid value: "": may only be set when validations.schema is included',
    ),
  );
  const converted = definition([spec(text)]);
  const clientConfig = { service: { name: "a" } };
  const webhook = { conversionReviewVersions: ["v1"], clientConfig };
  Object.assign(converted.spec as object, { conversion: { strategy: "Webhook", webhook } });
  assert.deepEqual(texts(converted), ["spec.conversion.webhookClientConfig.service.name: Required value"]);
});
