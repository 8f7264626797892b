import assert from "node:assert/strict";
import { test } from "node:test";
import {
  caBundle,
  type ConversionHook,
  conversionHook,
  failing,
  goodAnswer,
  group,
  mergePatch,
  thing,
  things,
  withThings,
} from "../testing/conversion-webhook.ts";
import { failure, type Harness } from "../testing/harness.ts";

const admission = "/apis/admissionregistration.k8s.io/v1";

const rules = (versions: string[], operations = ["CREATE", "UPDATE"]) => [
  { operations, apiGroups: [group], apiVersions: versions, resources: ["things"] },
];

async function configure(
  h: Harness,
  hook: ConversionHook,
  kind: "Mutating" | "Validating",
  operations?: string[],
): Promise<void> {
  const made = await h.call("POST", `${admission}/${kind.toLowerCase()}webhookconfigurations`, {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: `${kind}WebhookConfiguration`,
    metadata: { name: kind.toLowerCase() },
    webhooks: [
      {
        name: `${kind.toLowerCase()}.example.com`,
        clientConfig: { url: hook.url, caBundle },
        rules: rules(["v1"], operations),
        sideEffects: "None",
        admissionReviewVersions: ["v1"],
      },
    ],
  });
  assert.equal(made.status, 201, made.text);
}

test("an admission webhook that knows the old version sees it, and what it changes is converted back", async (t) => {
  const hook = await conversionHook(t);
  // biome-ignore lint: reviews are looked into freely
  const seen: any[] = [];
  const patch = [{ op: "replace", path: "/spec/hostPort", value: "patched:9" }];
  const admit = await conversionHook(t);
  admit.answer = ({ request }) => {
    seen.push(request);
    return {
      kind: "AdmissionReview",
      apiVersion: "admission.k8s.io/v1",
      response: {
        uid: request.uid,
        allowed: true,
        patchType: "JSONPatch",
        patch: Buffer.from(JSON.stringify(patch)).toString("base64"),
      },
    };
  };
  const h = await withThings(t, hook);
  await configure(h, admit, "Mutating");
  const made = await h.call("POST", things("v2"), thing("v2", "a", { host: "h", port: "1" }));
  assert.equal(made.status, 201, made.text);
  assert.deepEqual(
    [made.body.apiVersion, made.body.spec.host, made.body.spec.port],
    [`${group}/v2`, "patched", "9"],
  );
  assert.deepEqual(seen[0].kind, { group, version: "v1", kind: "Thing" });
  assert.deepEqual(seen[0].requestKind, { group, version: "v2", kind: "Thing" });
  assert.deepEqual([seen[0].object.apiVersion, seen[0].object.spec.hostPort], [`${group}/v1`, "h:1"]);
  await h.call("PATCH", `${things("v2")}/a`, { spec: { host: "x" } }, mergePatch);
  assert.deepEqual([seen[1].oldObject.spec.hostPort, seen[1].object.spec.hostPort], ["patched:9", "x:9"]);
});

test("a validating webhook of the old version decides about deletion in the new one", async (t) => {
  const hook = await conversionHook(t);
  const admit = await conversionHook(t);
  admit.answer = ({ request }) => ({
    kind: "AdmissionReview",
    apiVersion: "admission.k8s.io/v1",
    response: { uid: request.uid, allowed: request.oldObject.spec.hostPort !== "keep:1" },
  });
  const h = await withThings(t, hook);
  await configure(h, admit, "Validating", ["DELETE"]);
  await h.call("POST", things("v2"), thing("v2", "a", { host: "keep", port: "1" }));
  await h.call("POST", things("v2"), thing("v2", "b", { host: "go", port: "1" }));
  failure(await h.call("DELETE", `${things("v2")}/a`), 400);
  assert.equal((await h.call("DELETE", `${things("v2")}/b`)).status, 200);
});

test("a policy of the old version judges what it is converted to; a failing conversion is an internal error", async (t) => {
  const hook = await conversionHook(t);
  const h = await withThings(t, hook);
  const policy = await h.call("POST", `${admission}/validatingadmissionpolicies`, {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingAdmissionPolicy",
    metadata: { name: "ports" },
    spec: {
      matchConstraints: { resourceRules: rules(["v1"]) },
      validations: [{ expression: "object.spec.hostPort.endsWith(':1')", message: "port 1 only" }],
    },
  });
  assert.equal(policy.status, 201, policy.text);
  const binding = await h.call("POST", `${admission}/validatingadmissionpolicybindings`, {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingAdmissionPolicyBinding",
    metadata: { name: "ports" },
    spec: { policyName: "ports", validationActions: ["Deny"] },
  });
  assert.equal(binding.status, 201, binding.text);
  assert.equal((await h.call("POST", things("v2"), thing("v2", "a", { host: "h", port: "1" }))).status, 201);
  const refused = failure(
    await h.call("POST", things("v2"), thing("v2", "b", { host: "h", port: "2" })),
    422,
  );
  assert.match(refused.message ?? "", /denied request: port 1 only$/);
  hook.answer = failing("no way");
  assert.equal(
    failure(await h.call("POST", things("v2"), thing("v2", "c", { host: "h", port: "1" })), 500).message,
    `Internal error occurred: conversion webhook for ${group}/v2, Kind=Thing failed: no way`,
  );
  hook.answer = goodAnswer;
});

test("parameters of a policy are read in the version that it names", async (t) => {
  const hook = await conversionHook(t);
  const h = await withThings(t, hook);
  await h.call("POST", things("v1"), thing("v1", "limits", { hostPort: "allowed:1" }));
  await h.call("POST", `${admission}/validatingadmissionpolicies`, {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingAdmissionPolicy",
    metadata: { name: "names" },
    spec: {
      paramKind: { apiVersion: `${group}/v2`, kind: "Thing" },
      matchConstraints: {
        resourceRules: [
          { operations: ["CREATE"], apiGroups: [""], apiVersions: ["v1"], resources: ["configmaps"] },
        ],
      },
      validations: [{ expression: "object.metadata.name == params.spec.host" }],
    },
  });
  const binding = await h.call("POST", `${admission}/validatingadmissionpolicybindings`, {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingAdmissionPolicyBinding",
    metadata: { name: "names" },
    spec: {
      policyName: "names",
      validationActions: ["Deny"],
      paramRef: { name: "limits", namespace: "default", parameterNotFoundAction: "Deny" },
    },
  });
  assert.equal(binding.status, 201, binding.text);
  const map = (name: string) => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name } });
  const maps = "/api/v1/namespaces/default/configmaps";
  assert.equal((await h.call("POST", maps, map("allowed"))).status, 201);
  failure(await h.call("POST", maps, map("other")), 422);
});
