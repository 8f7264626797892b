import assert from "node:assert/strict";
import { test } from "node:test";
import { applyStrategicMerge, createThreeWayStrategicPatch } from "../machinery/index.ts";
import { patchSchema } from "./patch-schema.ts";

const deployment = patchSchema("io.k8s.api.apps.v1.Deployment");
const pod = patchSchema("io.k8s.api.core.v1.Pod");
assert.ok(deployment && pod);

test("containers merge by name, and what the patch does not name stays", () => {
  const before = {
    spec: {
      containers: [
        { name: "a", image: "1" },
        { name: "b", image: "1" },
      ],
    },
  };
  const after = applyStrategicMerge(before, { spec: { containers: [{ name: "b", image: "2" }] } }, pod);
  assert.deepEqual(after, {
    spec: {
      containers: [
        { name: "a", image: "1" },
        { name: "b", image: "2" },
      ],
    },
  });
  assert.equal(before.spec.containers[1]?.image, "1", "the original is not touched");
});

test("directives: delete an element, replace a list, replace an object, remove primitives, retain keys", () => {
  const before = {
    metadata: { finalizers: ["a", "b"] },
    spec: { containers: [{ name: "a" }, { name: "b" }], securityContext: { runAsUser: 1, fsGroup: 2 } },
  };
  const gone = { spec: { containers: [{ $patch: "delete", name: "a" }] } };
  assert.deepEqual(applyStrategicMerge(before, gone, pod).spec.containers, [{ name: "b" }]);
  const list = { spec: { containers: [{ $patch: "replace" }, { name: "c" }] } };
  assert.deepEqual(applyStrategicMerge(before, list, pod).spec.containers, [{ name: "c" }]);
  const object = { spec: { securityContext: { $patch: "replace", runAsUser: 3 } } };
  assert.deepEqual(applyStrategicMerge(before, object, pod).spec.securityContext, { runAsUser: 3 });
  const primitives = { metadata: { "$deleteFromPrimitiveList/finalizers": ["a"] } };
  assert.deepEqual(applyStrategicMerge(before, primitives, pod).metadata.finalizers, ["b"]);
  const strategy = { spec: { strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1 } } } };
  const recreate = { spec: { strategy: { $retainKeys: ["type"], type: "Recreate" } } };
  assert.deepEqual(applyStrategicMerge(strategy, recreate, deployment).spec.strategy, { type: "Recreate" });
});

test("an unknown directive and an element without its key are refused", () => {
  assert.throws(
    () => applyStrategicMerge({ spec: {} }, { spec: { $patch: "burn" } }, pod),
    /unknown patch type/,
  );
  assert.throws(
    () =>
      applyStrategicMerge(
        { spec: { containers: [{ name: "a" }] } },
        { spec: { containers: [{ image: "x" }] } },
        pod,
      ),
    /map: map\[image:x\] does not contain declared merge key: name/,
  );
});

test("an order names elements by their key, and there is something to put in order", () => {
  const before = { spec: { containers: [{ name: "a", env: [{ name: "X" }], args: [], command: ["c"] }] } };
  const patched = (member: string, order: unknown, more = {}): (() => unknown) => {
    const container = { name: "a", [`$setElementOrder/${member}`]: order, ...more };
    return () => applyStrategicMerge(before, { spec: { containers: [container] } }, pod);
  };
  const key = { message: "map: map[nam:X] does not contain declared merge key: name" };
  assert.throws(patched("env", [{ nam: "X" }]), key);
  assert.throws(patched("env", [{ name: "X" }, "X"]), {
    message: "expected a map[string]interface {}, but received a string",
  });
  assert.throws(patched("env", ["X", { name: "X" }]), { message: "value for key 0 is not a map" });
  assert.throws(patched("args", []), { message: "no elements in any of the given slices" });
  assert.throws(patched("command", [1], { command: [1] }), /list element types are not identical/);
  assert.throws(patched("nope", ["a"]), {
    message: 'unable to find api field in struct Container for the json field "nope"',
  });
  assert.throws(
    () =>
      applyStrategicMerge(
        { metadata: { labels: {} } },
        { metadata: { labels: { "$setElementOrder/x": [] } } },
        pod,
      ),
    { message: "merging an object in json but data type is not struct, instead is: map" },
  );
  assert.doesNotThrow(patched("ports", [{ containerPort: 1 }]));
});

test("$setElementOrder puts the patch's elements in its order and keeps the server's own between", () => {
  const names = (value: { spec: { containers: { name: string }[] } }): string =>
    value.spec.containers.map((each) => each.name).join("");
  const before = { spec: { containers: [{ name: "a" }, { name: "s" }, { name: "b" }] } };
  const patch = { spec: { "$setElementOrder/containers": [{ name: "b" }, { name: "a" }], containers: [] } };
  assert.equal(names(applyStrategicMerge(before, patch, pod)), "sba");
  const added = {
    spec: {
      "$setElementOrder/containers": [{ name: "a" }, { name: "c" }, { name: "b" }],
      containers: [{ name: "c" }],
    },
  };
  assert.equal(names(applyStrategicMerge(before, added, pod)), "acsb");
});

test("apply: own removals go, the server's defaults and other people's fields stay", () => {
  const original = {
    metadata: { labels: { app: "x", old: "1" } },
    spec: {
      replicas: 2,
      template: {
        spec: {
          containers: [
            { name: "a", image: "1" },
            { name: "gone", image: "1" },
          ],
        },
      },
    },
  };
  const modified = {
    metadata: { labels: { app: "x" } },
    spec: { template: { spec: { containers: [{ name: "a", image: "2" }] } } },
  };
  const current = {
    metadata: { labels: { app: "x", old: "1", other: "1" } },
    spec: {
      replicas: 2,
      template: {
        spec: {
          containers: [
            { name: "a", image: "1", imagePullPolicy: "Always" },
            { name: "gone", image: "1" },
            { name: "injected", image: "9" },
          ],
        },
      },
    },
  };
  const patch = createThreeWayStrategicPatch(original, modified, current, deployment);
  assert.deepEqual(patch, {
    metadata: { labels: { old: null } },
    spec: {
      replicas: null,
      template: {
        spec: {
          "$setElementOrder/containers": [{ name: "a" }],
          containers: [
            { image: "2", name: "a" },
            { $patch: "delete", name: "gone" },
          ],
        },
      },
    },
  });
  const after = applyStrategicMerge(current, patch, deployment);
  assert.deepEqual(after.metadata.labels, { app: "x", other: "1" });
  assert.deepEqual(after.spec.template.spec.containers, [
    { name: "a", image: "2", imagePullPolicy: "Always" },
    { name: "injected", image: "9" },
  ]);
  assert.deepEqual(
    createThreeWayStrategicPatch(modified, modified, after, deployment),
    {},
    "a second apply has nothing to do",
  );
});

test("applying the difference of two objects gives the second, whatever they are", () => {
  let seed = 7;
  const random = (): number => {
    seed = (seed * 1103515245 + 12345) & 0x7fffffff;
    return seed / 0x7fffffff;
  };
  const some = <T>(make: (i: number) => T): T[] =>
    [0, 1, 2, 3]
      .filter(() => random() < 0.6)
      .sort(() => random() - 0.5)
      .map(make);
  const make = () => ({
    metadata: { labels: Object.fromEntries(some((i) => [`l${i}`, String(Math.floor(random() * 2))])) },
    spec: {
      strategy:
        random() < 0.5 ? { type: "Recreate" } : { type: "RollingUpdate", rollingUpdate: { maxSurge: 1 } },
      template: {
        metadata: { finalizers: some((i) => `f${i}`) },
        spec: {
          containers: some((i) => ({
            name: `c${i}`,
            image: `i${Math.floor(random() * 3)}`,
            args: some((j) => `a${j}`),
          })),
        },
      },
    },
  });
  for (let round = 0; round < 300; round++) {
    const from = make();
    const to = make();
    const patch = createThreeWayStrategicPatch(from, to, from, deployment);
    assert.deepEqual(applyStrategicMerge(from, patch, deployment), to, JSON.stringify({ from, to, patch }));
  }
});
