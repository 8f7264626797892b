import assert from "node:assert/strict";
import { test } from "node:test";
import { celReady } from "./cel-engine.ts";
import { findKind } from "./kinds.ts";
import type { KubeObject } from "./meta.ts";

const group = "admissionregistration.k8s.io";

function mistakes(plural: string, object: object): string[] {
  const kind = findKind(group, "v1", plural);
  const whole = { metadata: { name: "a" }, ...object } as KubeObject;
  return (kind?.strategy.validate?.(whole) ?? []).map(({ field, message }) => `${field}: ${message}`);
}

const rule = { operations: ["CREATE"], apiGroups: [""], apiVersions: ["v1"], resources: ["pods"] };
const hook = (more: object) => ({
  webhooks: [
    {
      name: "a.example.com",
      clientConfig: { url: "https://127.0.0.1/x" },
      rules: [rule],
      sideEffects: "None",
      admissionReviewVersions: ["v1"],
      ...more,
    },
  ],
});
const ofHook = (more: object) => mistakes("validatingwebhookconfigurations", hook(more));

test("webhooks: addresses, versions and side effects", () => {
  assert.deepEqual(ofHook({}), []);
  const form = "desired format: https://host[/path]";
  assert.deepEqual(ofHook({ clientConfig: { url: "nowhere" } }), [
    `webhooks[0].clientConfig.url: Invalid value: "": 'https' is the only allowed URL scheme; ${form}`,
    `webhooks[0].clientConfig.url: Invalid value: "": host must be specified; ${form}`,
  ]);
  // Named the wrong way round, as Kubernetes does.
  assert.deepEqual(ofHook({ clientConfig: { service: { name: "s", namespace: "" } } }), [
    "webhooks[0].clientConfig.service.name: Required value",
  ]);
  assert.match(
    ofHook({ admissionReviewVersions: ["v1", "V2"] }).join(),
    /Versions\[1\]: Invalid value: "V2": a DNS-1035/,
  );
  assert.deepEqual(ofHook({ sideEffects: "" }), [
    'webhooks[0].sideEffects: Unsupported value: "": supported values: "None", "NoneOnDryRun"',
  ]);
});

test("match conditions: 64 at most, of webhooks and of policies", () => {
  const conditions = (count: number) =>
    Array.from({ length: count }, (_, i) => ({ name: `c${i}`, expression: "true" }));
  assert.deepEqual(ofHook({ matchConditions: conditions(64) }), []);
  const tooMany = "Too many: 65: must have at most 64 items";
  assert.deepEqual(ofHook({ matchConditions: conditions(65) }), [`webhooks[0].matchConditions: ${tooMany}`]);
  const spec = {
    matchConstraints: { resourceRules: [rule] },
    validations: [{ expression: "true" }],
    matchConditions: conditions(65),
  };
  assert.deepEqual(mistakes("validatingadmissionpolicies", { spec }), [`spec.matchConditions: ${tooMany}`]);
});

test("how often a mutating webhook is asked is looked at before where it is", () => {
  assert.deepEqual(
    mistakes("mutatingwebhookconfigurations", hook({ reinvocationPolicy: "W", clientConfig: {} })).map(
      (text) => text.split(":")[0],
    ),
    ["webhooks[0].reinvocationPolicy", "webhooks[0].clientConfig"],
  );
});

test("rules: a wildcard leaves no room for what it covers", () => {
  const resources = (...given: string[]) => ofHook({ rules: [{ ...rule, resources: given }] });
  const at = "webhooks[0].rules[0].resources";
  assert.deepEqual(resources("pods", "*"), []);
  assert.deepEqual(resources("*", "pods"), [
    `${at}: Invalid value: ["*","pods"]: if '*' is present, must not specify other resources without subresources`,
  ]);
  assert.deepEqual(resources("pods/*", "pods/log"), [
    `${at}[1]: Invalid value: "pods/log": if 'pods/*' is present, must not specify pods/log`,
  ]);
  assert.deepEqual(resources("*/*", "pods/*"), [
    `${at}[1]: Invalid value: "pods/*": if '*/*' is present, must not specify pods/*`,
    `${at}: Invalid value: ["*/*","pods/*"]: if '*/*' is present, must not specify other resources`,
  ]);
});

test("bindings of policies: parameters by name or by selector, names of resources", () => {
  const matchResources = {
    matchPolicy: "Exact",
    resourceRules: [{ ...rule, resourceNames: ["a", "a", "b/c"] }],
  };
  const paramRef = {
    name: "x/y",
    selector: { matchLabels: { "no good": "" } },
    parameterNotFoundAction: "Stop",
  };
  const found = mistakes("validatingadmissionpolicybindings", {
    spec: { policyName: "p", paramRef, matchResources, validationActions: ["Deny"] },
  }).map((text) => text.split(": ").slice(0, 3).join(": "));
  assert.deepEqual(found, [
    'spec.paramRef.name: Invalid value: "x/y"',
    "spec.paramRef.name: Forbidden: name and selector are mutually exclusive",
    'spec.paramRef.selector.matchLabels: Invalid value: "no good"',
    "spec.paramRef.selector: Forbidden: name and selector are mutually exclusive",
    'spec.paramRef.parameterNotFoundAction: Unsupported value: "Stop"',
    'spec.matchResources.resourceRules[0].resourceNames[1]: Duplicate value: "a"',
    'spec.matchResources.resourceRules[0].resourceNames[2]: Invalid value: "b/c"',
  ]);
});

test("a variable without an expression is named, not stumbled over", () => {
  const found = mistakes("validatingadmissionpolicies", {
    spec: {
      matchConstraints: { matchPolicy: "Exact", resourceRules: [rule] },
      validations: [{ expression: "true" }],
      variables: [{}],
    },
  });
  assert.deepEqual(found, [
    "spec.variables[0].name: Required value: name is not specified",
    "spec.variables[0].expression: Required value: expression is not specified",
  ]);
});

test("a variable without an expression is none to others, and many annotations are shown as Go has them", async () => {
  await celReady();
  const spec = { matchConstraints: { matchPolicy: "Exact", resourceRules: [rule] } };
  const none = mistakes("validatingadmissionpolicies", {
    spec: { ...spec, validations: [{ expression: "has(variables.a)" }], variables: [{ name: "a" }] },
  });
  assert.equal(none[0], "spec.variables[0].expression: Required value: expression is not specified");
  assert.match(none[1] ?? "", /^spec\.validations\[0\]\.expression: .*undefined field 'a'/);
  const many = mistakes("validatingadmissionpolicies", {
    spec: {
      ...spec,
      auditAnnotations: Array.from({ length: 21 }, (_, i) => ({ key: `k${i}`, valueExpression: "null" })),
    },
  });
  assert.match(many[0] ?? "", /Invalid value: \[\{"Key":"k0","ValueExpression":"null"\},/);
});

test("names that are reserved for manifests are warned of, in every kind of the group and in status", () => {
  const told = [
    'metadata.name: names ending with ".static.k8s.io" are reserved for static manifest-based configurations and cannot be managed via the API',
  ];
  for (const plural of [
    "mutatingadmissionpolicies",
    "mutatingadmissionpolicybindings",
    "mutatingwebhookconfigurations",
    "validatingadmissionpolicies",
    "validatingadmissionpolicybindings",
    "validatingwebhookconfigurations",
  ]) {
    const kind = findKind(group, "v1", plural);
    const named = (name: string): KubeObject => ({ metadata: { name } });
    assert.deepEqual(kind?.strategy.warnings?.(named("a.static.k8s.io")), told, plural);
    assert.deepEqual(kind?.strategy.warnings?.(named("static.k8s.io")), [], plural);
    if (kind?.status) assert.deepEqual(kind.status.warnings?.(named("a.static.k8s.io")), told, plural);
  }
});

test("an expression that means something and cannot run is told as an internal error", async () => {
  await celReady();
  const spec = { matchConstraints: { matchPolicy: "Exact", resourceRules: [rule] } };
  const found = mistakes("validatingadmissionpolicies", {
    spec: { ...spec, validations: [{ expression: "int('x') == 1" }] },
  });
  assert.deepEqual(found, [
    "spec.validations[0].expression: Internal error: program instantiation failed: type conversion error from 'string' to 'int'",
  ]);
});
