import assert from "node:assert/strict";
import { test } from "node:test";
import { internalDifference, internalForm, publishedForm } from "./internal-form.ts";

const text = (type: string, value: object): string => JSON.stringify(internalForm(type, value));

test("every field stands there, in Go's order and with Go's names", () => {
  assert.equal(
    text("core.Taint", { effect: "NoSchedule", key: "a" }),
    '{"Key":"a","Value":"","Effect":"NoSchedule","TimeAdded":null}',
  );
});

test("what has another name in JSON, and maps in the order of their keys", () => {
  assert.equal(
    text("core.RBDVolumeSource", { monitors: ["m"], pool: "p" }),
    '{"CephMonitors":["m"],"RBDImage":"","FSType":"","RBDPool":"p","RadosUser":"","Keyring":"","SecretRef":null,"ReadOnly":false}',
  );
  assert.equal(
    text("core.ResourceRequirements", { limits: { memory: "1", cpu: "2" } }),
    '{"Limits":{"cpu":"2","memory":"1"},"Requests":null,"Claims":null}',
  );
});

test("types of the API itself look as clients write them", () => {
  assert.equal(
    text("policy.PodDisruptionBudgetSpec", {
      minAvailable: 1,
      selector: { matchExpressions: [{ operator: "Exists", key: "a" }], matchLabels: { b: "c" } },
    }),
    '{"MinAvailable":1,"Selector":{"matchLabels":{"b":"c"},"matchExpressions":[{"key":"a","operator":"Exists"}]},"MaxUnavailable":null,"UnhealthyPodEvictionPolicy":null}',
  );
});

test("embedded structs and the pod's host namespaces", () => {
  const spec = internalForm("core.PodSpec", { hostNetwork: true, volumes: [{ name: "v", emptyDir: {} }] });
  assert.equal((spec.SecurityContext as Record<string, unknown>).HostNetwork, true);
  assert.ok(!("hostNetwork" in spec));
  assert.deepEqual((spec.Volumes as Record<string, unknown>[])[0]?.EmptyDir, { Medium: "", SizeLimit: null });
  const template = internalForm("core.PodTemplateSpec", { metadata: { labels: { a: "b" } }, spec: {} });
  assert.deepEqual(template.labels, { a: "b" });
});

test("published types without what is empty and optional", () => {
  assert.equal(
    JSON.stringify(publishedForm("io.k8s.api.core.v1.Taint", { effect: "NoSchedule", key: "a" })),
    '{"key":"a","effect":"NoSchedule"}',
  );
});

test("a difference of two internal forms", () => {
  assert.equal(
    internalDifference("core.Taint", { key: "a", effect: "x" }, { key: "b", effect: "x" }),
    '@@ -1,5 +1,5 @@\n {\n- "Key": "a",\n+ "Key": "b",\n  "Value": "",\n  "Effect": "x",\n  "TimeAdded": null\n',
  );
});
