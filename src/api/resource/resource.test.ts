import assert from "node:assert/strict";
import { test } from "node:test";
import { celReady } from "../cel-engine.ts";
import { findKind } from "../kinds.ts";
import type { Clock } from "../../machinery/index.ts";
import type { KubeObject } from "../meta.ts";

const mistakes = (plural: string, object: object, old?: object): string[] => {
  const kind = findKind("resource.k8s.io", "v1", plural);
  assert.ok(kind);
  const whole = (each: object) => ({ metadata: { name: "a", namespace: "n" }, ...each }) as KubeObject;
  const found = old
    ? kind.strategy.validateUpdate?.(whole(object), whole(old))
    : kind.strategy.validate?.(whole(object));
  return (found ?? [])
    .filter(({ field }) => !field.startsWith("metadata"))
    .map(({ field, message }) => `${field}: ${message}`);
};

test("claims: names, one kind of request, classes and counts", () => {
  const requests = [
    { name: "x" },
    { name: "y", exactly: { deviceClassName: "", allocationMode: "X" } },
    { name: "y", exactly: { deviceClassName: "c", allocationMode: "ExactCount", count: 1 } },
  ];
  assert.deepEqual(mistakes("resourceclaims", { spec: { devices: { requests } } }), [
    "spec.devices.requests[0]: Required value: exactly one of `exactly` or `firstAvailable` is required",
    "spec.devices.requests[1].exactly.deviceClassName: Required value",
    'spec.devices.requests[1].exactly.allocationMode: Unsupported value: "X": supported values: "All", "ExactCount"',
    'spec.devices.requests[2]: Duplicate value: "y"',
  ]);
});

test("a template's metadata: what may not be set, in the order and under the names of Go's fields", () => {
  const metadata = { finalizers: ["a/b"], uid: "u", labels: { a: "b" }, name: "n" };
  const spec = { metadata, spec: { devices: {} } };
  assert.deepEqual(
    mistakes("resourceclaimtemplates", { spec }).map((each) => each.split(":")[0]),
    ["spec.metadata.name", "spec.metadata.uID", "spec.metadata.finalizers"],
  );
});

test("a claim stays what it was made as", () => {
  const spec = {
    devices: { requests: [{ name: "x", exactly: { deviceClassName: "c", allocationMode: "All" } }] },
  };
  assert.deepEqual(mistakes("resourceclaims", { spec }, { spec }), []);
  assert.match(
    mistakes("resourceclaims", { spec: { devices: {} } }, { spec }).join(),
    /spec: Invalid value: .*: field is immutable/,
  );
});

test("slices: driver, pool and one place for all devices", () => {
  assert.deepEqual(mistakes("resourceslices", { spec: {} }), [
    "spec.driver: Required value",
    "spec.pool.name: Required value",
    "spec.pool.resourceSliceCount: Invalid value: 0: must be greater than zero",
    "spec: Required value: exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required",
  ]);
});

test("constraints and configuration name requests of the claim, or alternatives of them", () => {
  const requests = [
    { name: "a", exactly: { deviceClassName: "c", allocationMode: "All" } },
    { name: "b", firstAvailable: [{ name: "x", deviceClassName: "c", allocationMode: "All" }] },
  ];
  const constraints = [
    { requests: ["a", "b/x"], matchAttribute: "x.example.com/numa" },
    { requests: ["b/y", "a"], matchAttribute: "numa" },
    { requests: ["a", "a"] },
  ];
  const config = [{ requests: ["c"], opaque: { driver: "x.example.com", parameters: "text" } }];
  const at = "spec.devices";
  const unknown =
    "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";
  assert.deepEqual(mistakes("resourceclaims", { spec: { devices: { requests, constraints, config } } }), [
    `${at}.constraints[1].requests[0]: Invalid value: "b/y": ${unknown}`,
    `${at}.constraints[1].matchAttribute: Invalid value: "numa": a fully qualified name must be a domain and a name separated by a slash`,
    `${at}.constraints[2].requests[1]: Duplicate value: "a"`,
    `${at}.constraints[2]: Required value: exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set`,
    `${at}.config[0].requests[0]: Invalid value: "c": ${unknown}`,
    `${at}.config[0].opaque.parameters: Invalid value: "<value omitted>": must be a valid JSON object`,
  ]);
});

const slice = (device: object, more: object = {}) => ({
  spec: {
    driver: "x.example.com",
    pool: { name: "p", resourceSliceCount: 1 },
    nodeName: "n",
    devices: [{ name: "d", ...device }],
    ...more,
  },
});

test("taints of devices begin when they are first given", () => {
  const kind = findKind("resource.k8s.io", "v1", "resourceslices");
  const taints = [
    { key: "a", effect: "NoSchedule" },
    { key: "b", timeAdded: "2020-01-01T00:00:00Z" },
  ];
  const object = slice({ taints }) as unknown as KubeObject;
  kind?.defaults?.(object, { now: () => Date.UTC(2026, 0, 2), monotonic: () => 0 } as Clock);
  assert.deepEqual(taints, [{ ...taints[0], timeAdded: "2026-01-02T00:00:00Z" }, taints[1]]);
});

test("devices: attributes, taints, counters and where they are", () => {
  const device = {
    attributes: { "9": { string: "s" }, v: { version: "1" }, two: { int: 1, bool: true } },
    taints: [{ key: "k", effect: "Never" }],
    consumesCounters: [{ counterSet: "", counters: {} }],
    nodeName: "n",
  };
  const found = mistakes("resourceslices", slice(device)).map((text) =>
    text.split(": ").slice(0, 2).join(": "),
  );
  assert.deepEqual(found, [
    "spec.devices[0].attributes: Invalid value",
    "spec.devices[0].attributes[v].version: Invalid value",
    "spec.devices[0].attributes[two]: Invalid value",
    "spec.devices[0].taints[0].effect: Unsupported value",
    "spec.devices[0].consumesCounters[0].counterSet: Required value",
    "spec.devices[0].consumesCounters[0].counters: Required value",
    "spec.devices[0]: Invalid value",
  ]);
  assert.deepEqual(
    mistakes(
      "resourceslices",
      slice({ allNodes: true }, { nodeName: undefined, perDeviceNodeSelection: true }),
    ),
    [],
  );
});

test("an attribute with two values is shown as Go has it", () => {
  const [text = ""] = mistakes("resourceslices", slice({ attributes: { two: { int: 1, bool: true } } }));
  assert.match(text, /: \{"IntValue":1,"BoolValue":true,"StringValue":null,.*\}: exactly one value must be/);
});

test("shared capacity: the default and the largest request fit the range and its steps", () => {
  const validRange = { min: "1Gi", max: "4Gi", step: "2Gi" };
  const capacity = (value: string, usual: string) => ({
    allowMultipleAllocations: true,
    capacity: { mem: { value, requestPolicy: { default: usual, validRange } } },
  });
  const at = "spec.devices[0].capacity[mem].requestPolicy.validRange";
  assert.deepEqual(mistakes("resourceslices", slice(capacity("2Gi", "1Gi"))), [
    `${at}.max: Invalid value: "4Gi": max is larger than capacity value: 2Gi`,
    `${at}.step: Invalid value: "2Gi": one step 3Gi is larger than capacity value: 2Gi`,
    `${at}.step: Invalid value: "4Gi": value is not a multiple of a given step (2Gi) from (1Gi)`,
  ]);
  assert.equal(
    mistakes("resourceslices", slice({ ...capacity("8Gi", "1Gi"), allowMultipleAllocations: false })).length,
    1,
  );
});

test("the status of a claim: users need devices, devices must be the claim's, allocation stays", () => {
  const kind = findKind("resource.k8s.io", "v1", "resourceclaims");
  const claim = (status: object) =>
    ({
      metadata: { name: "a", namespace: "n", resourceVersion: "1" },
      spec: {
        devices: { requests: [{ name: "r", exactly: { deviceClassName: "c", allocationMode: "All" } }] },
      },
      status,
    }) as unknown as KubeObject;
  const why = (status: object, old: object = {}) =>
    (kind?.status?.validateUpdate?.(claim(status), claim(old)) ?? []).map(
      ({ field, message }) => `${field}: ${message}`,
    );
  const user = { resource: "pods", name: "p", uid: "u" };
  const device = { request: "r", driver: "x.example.com", pool: "p", device: "d" };
  const allocation = { devices: { results: [device] } };
  assert.deepEqual(
    why({ allocation, reservedFor: [user], devices: [{ driver: "x.example.com", pool: "p", device: "d" }] }),
    [],
  );
  assert.deepEqual(why({ reservedFor: [user] }), [
    "status.reservedFor: Forbidden: may not be specified when `allocated` is not set",
  ]);
  assert.deepEqual(why({ allocation, devices: [{ driver: "x.example.com", pool: "p", device: "e" }] }), [
    'status.devices[0]: Invalid value: {"Driver":"x.example.com","Pool":"p","Device":"e","ShareID":""}: must be an allocated device in the claim',
  ]);
  assert.match(
    why({ allocation: { devices: { results: [] } } }, { allocation }).join(),
    /status.allocation: Invalid value: .*field is immutable/,
  );
  const condition = { type: "Ready", status: "True", reason: "", message: "" };
  const described = { driver: "x.example.com", pool: "p", device: "d", conditions: [condition] };
  assert.deepEqual(why({ allocation, devices: [described] }, { allocation }), [
    "status.devices[0].conditions[0].lastTransitionTime: Required value",
    "status.devices[0].conditions[0].reason: Required value",
  ]);
});

test("expressions that choose devices are compiled: what they may ask of a device, and that they say yes or no", async () => {
  await celReady();
  const of = (...expressions: string[]) =>
    mistakes("deviceclasses", {
      spec: { selectors: expressions.map((expression) => ({ cel: { expression } })) },
    });
  assert.deepEqual(
    of(
      "device.driver == 'x.example.com' && device.attributes['x.example.com'].model == 'a'",
      "device.capacity['x.example.com'].memory.compareTo(quantity('1Gi')) >= 0",
      "device.attributes['x.example.com'].flag",
      "device.allowMultipleAllocations",
    ),
    [],
  );
  assert.deepEqual(of("cel.bind(x, device.attributes['x.example.com'], x.a == 'b' && x.c)"), []);
  const [type, field, syntax] = of("device.driver", "device.nothing", "nope(");
  assert.match(
    type ?? "",
    /selectors\[0\].cel.expression: Invalid value: "device.driver": must evaluate to bool or the unknown type, not string/,
  );
  assert.match(field ?? "", /compilation failed: ERROR: <input>:1:7: undefined field 'nothing'/);
  assert.match(syntax ?? "", /compilation failed: ERROR: <input>:1:6: Syntax error/);
  const [range, deep] = of(
    "device.attributes['x'].a.exists(x, x == 1)",
    "device.attributes['x'].all(k, device.attributes['x'][k].b == 1)",
  );
  assert.match(range ?? "", /expression of type 'any' cannot be range of a comprehension/);
  assert.equal(deep, undefined);
  assert.match(of("device.attributes['x'].a.b").join(), /must evaluate to bool or the unknown type, not dyn/);
});

test("expressions that choose devices may not cost too much for all that a device can have", async () => {
  await celReady();
  const of = (expression: string) =>
    mistakes("deviceclasses", { spec: { selectors: [{ cel: { expression } }] } });
  const among = (names: readonly string[], inside: string): string =>
    names.reduceRight((body, name) => `device.attributes.all(${name}, ${body})`, inside);
  assert.deepEqual(of(among(["a", "b"], "a == b")), []);
  assert.deepEqual(of(among(["a", "b", "c", "d"], "a == b && c == d")), [
    "spec.selectors[0].cel.expression: Forbidden: too complex, exceeds cost limit",
  ]);
});
