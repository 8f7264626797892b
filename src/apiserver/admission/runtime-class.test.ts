import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { failure, type Harness, pod, startHarness } from "../testing/harness.ts";

let h: Harness;
const pods = "/api/v1/namespaces/default/pods";
before(async () => {
  h = await startHarness();
  await h.call("POST", "/api/v1/namespaces/default/serviceaccounts", { metadata: { name: "default" } });
  await h.call("POST", "/apis/node.k8s.io/v1/runtimeclasses", {
    metadata: { name: "heavy" },
    handler: "wherry",
    overhead: { podFixed: { cpu: "10m" } },
    scheduling: { nodeSelector: { kind: "heavy" }, tolerations: [{ key: "heavy", operator: "Exists" }] },
  });
});
after(() => h.close());

const withSpec = (name: string, spec: object): object => {
  const made = pod(name) as { spec: object };
  return { ...made, spec: { ...made.spec, ...spec } };
};

test("a pod's RuntimeClass must be there, and brings its overhead and where its nodes are", async () => {
  const none = failure(await h.call("POST", pods, withSpec("none", { runtimeClassName: "nope" })), 403);
  assert.match(none.message ?? "", /pod rejected: RuntimeClass "nope" not found/);
  const { status, body } = await h.call("POST", pods, withSpec("heavy", { runtimeClassName: "heavy" }));
  assert.equal(status, 201);
  assert.deepEqual(body.spec.overhead, { cpu: "10m" });
  assert.deepEqual(body.spec.nodeSelector, { kind: "heavy" });
  assert.ok(body.spec.tolerations.some((one: { key: string }) => one.key === "heavy"));
});

test("an overhead that the class does not have, or a selector against it, is refused", async () => {
  const other = withSpec("other", { runtimeClassName: "heavy", overhead: { cpu: "20m" } });
  assert.match(failure(await h.call("POST", pods, other), 403).message ?? "", /doesn't match RuntimeClass's/);
  const alone = withSpec("alone", { overhead: { cpu: "20m" } });
  assert.match(
    failure(await h.call("POST", pods, alone), 403).message ?? "",
    /without corresponding RuntimeClass/,
  );
  const against = withSpec("against", { runtimeClassName: "heavy", nodeSelector: { kind: "light" } });
  assert.match(
    failure(await h.call("POST", pods, against), 403).message ?? "",
    /conflict: runtimeClass.scheduling.nodeSelector/,
  );
});
