import assert from "node:assert/strict";
import { test } from "node:test";
import { failure, pod, startHarness } from "../testing/harness.ts";

const base = "/api/v1/namespaces/default";
const mirror = { "kubernetes.io/config.mirror": "x" };

test("an account that restricts secrets lets its pods have only those it lists", async () => {
  const h = await startHarness();
  const account = (name: string, more: object) =>
    h.call("POST", `${base}/serviceaccounts`, { metadata: { name }, ...more });
  await account("strict", {
    metadata: { name: "strict", annotations: { "kubernetes.io/enforce-mountable-secrets": "true" } },
    secrets: [{ name: "mine" }],
    imagePullSecrets: [{ name: "pull" }],
  });
  const create = (name: string, more: object, container: object = {}) =>
    h.call(
      "POST",
      `${base}/pods`,
      pod(name, {
        serviceAccountName: "strict",
        containers: [{ name: "c", image: "i", ...container }],
        ...more,
      }),
    );
  const refused = async (more: object, container: object, why: RegExp) =>
    assert.match(failure(await create("p", more, container), 403).message ?? "", why);
  await refused(
    { volumes: [{ name: "v", secret: { secretName: "other" } }] },
    {},
    /volume with secret.secretName="other" is not allowed because service account strict does not reference that secret$/,
  );
  await refused(
    {},
    { env: [{ name: "E", valueFrom: { secretKeyRef: { name: "other", key: "k" } } }] },
    /container c with envVar E referencing secret.secretName="other" is not allowed/,
  );
  await refused(
    {},
    { envFrom: [{ secretRef: { name: "other" } }] },
    /container c with envFrom referencing secret/,
  );
  await refused(
    { imagePullSecrets: [{ name: "other" }] },
    {},
    /imagePullSecrets\[0\].name="other" is not allowed/,
  );
  const made = await create("fine", { volumes: [{ name: "v", secret: { secretName: "mine" } }] });
  assert.equal(made.status, 201, made.text);
  assert.deepEqual(made.body.spec.imagePullSecrets, [{ name: "pull" }]);
  const debug = {
    spec: { ephemeralContainers: [{ name: "e", image: "i", envFrom: [{ secretRef: { name: "other" } }] }] },
  };
  const patched = await h.call("PATCH", `${base}/pods/fine/ephemeralcontainers`, debug, {
    "content-type": "application/strategic-merge-patch+json",
  });
  assert.match(failure(patched, 500).message ?? "", /^ephemeral container e with envFrom referencing/);
  await h.close();
});

test("an account that is not there is not waited for, and mirror pods have none", async () => {
  const h = await startHarness();
  const create = (name: string, more: Record<string, unknown>, annotations = {}) =>
    h.call("POST", `${base}/pods`, { ...pod(name, more), metadata: { name, annotations } });
  assert.match(
    failure(await create("p", { serviceAccountName: "gone" }), 403).message ?? "",
    /error looking up service account default\/gone: serviceaccount "gone" not found$/,
  );
  const refused = failure(await create("p", { serviceAccountName: "default" }, mirror), 403);
  assert.match(refused.message ?? "", /a mirror pod may not reference service accounts$/);
  const secret = { volumes: [{ name: "v", secret: { secretName: "s" } }] };
  assert.match(
    failure(await create("p", secret, mirror), 403).message ?? "",
    /a mirror pod may not reference secrets$/,
  );
  const made = await create("p", { nodeName: "n" }, mirror);
  assert.equal(made.status, 201);
  assert.equal(made.body.spec.serviceAccountName, undefined);
  await h.close();
});
