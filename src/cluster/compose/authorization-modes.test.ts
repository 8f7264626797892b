import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { authorizersOf, policiesIn, useModes } from "./authorization-modes.ts";

const dir = mkdtempSync(join(tmpdir(), "modes-"));
after(() => rmSync(dir, { recursive: true }));
const file = (name: string, text: string): string => {
  writeFileSync(join(dir, name), text);
  return join(dir, name);
};

test("modes are authorizers in their order, with what their files say", () => {
  const kubeconfig = file("webhook", "");
  const policyFile = file("policies", '{"user":"bob","namespace":"n"}\n');
  const [always, webhook, abac, rbac] = authorizersOf({
    modes: ["AlwaysDeny", "Webhook", "ABAC", "RBAC"],
    policyFile,
    webhook: { kubeconfig, version: "v1", unauthorizedMs: 0 },
  });
  assert.deepEqual(always, { type: "AlwaysDeny", name: "alwaysdeny" });
  assert.deepEqual(rbac, { type: "RBAC", name: "rbac" });
  assert.deepEqual(
    abac?.policies?.map(({ user, namespace, resource }) => [user, namespace, resource]),
    [["bob", "n", "*"]],
  );
  assert.deepEqual(webhook, {
    type: "Webhook",
    name: "default",
    webhook: {
      timeout: "30s",
      authorizedTTL: "5m0s",
      unauthorizedTTL: "0s",
      cacheAuthorizedRequests: true,
      cacheUnauthorizedRequests: false,
      subjectAccessReviewVersion: "v1",
      failurePolicy: "NoOpinion",
      connectionInfo: { type: "KubeConfigFile", kubeConfigFile: kubeconfig },
    },
  });
});

test("files that cannot be used end the start", () => {
  const missing = join(dir, "none");
  const refused = { name: "ClusterError", message: /^invalid authorization config: ENOENT/ };
  assert.throws(() => authorizersOf({ modes: ["ABAC"], policyFile: missing }), refused);
  const webhook = { kubeconfig: missing, version: "v1" } as const;
  assert.throws(() => authorizersOf({ modes: ["Webhook"], webhook }), refused);
  const policyFile = file("junk", "{");
  assert.throws(() => authorizersOf({ modes: ["ABAC"], policyFile }), {
    message: `invalid authorization config: error reading policy file ${policyFile}, line 1: {: couldn't get version/kind; json parse error: unexpected end of JSON input`,
  });
});

test("an authorizer that cannot be made ends the start in the same words", async () => {
  const useAuthorizers = () => Promise.reject(new Error("why"));
  await assert.rejects(useModes({ useAuthorizers }, { modes: ["RBAC"] }), {
    name: "ClusterError",
    message: "invalid authorization config: why",
  });
});

test("a file of policies is read once, when they are needed", () => {
  const path = join(dir, "later");
  const policies = policiesIn(path);
  assert.throws(policies, /ENOENT/);
  file("later", "user: bob");
  assert.equal(policies()[0]?.user, "bob");
  file("later", "user: eve");
  assert.equal(policies()[0]?.user, "bob");
});
