import assert from "node:assert/strict";
import { test } from "node:test";
import type { AuthorizationAttributes } from "../auth-contract.ts";
import { failure, startHarness } from "../testing/harness.ts";
import { serverCert } from "../testing/certificates.ts";

const requests = "/apis/certificates.k8s.io/v1/certificatesigningrequests";

/** Made by `openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -subj ...`. */
const masters = `-----BEGIN CERTIFICATE REQUEST-----
MIHsMIGUAgEAMDIxFzAVBgNVBAoMDnN5c3RlbTptYXN0ZXJzMQowCAYDVQQKDAFi
MQswCQYDVQQDDAJtZTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABN6ZPH7q4+qA
PdXaTBmrfuSlQOV5FTT+gY9QJAH0Hwi5lVfcKP+ngTF14wPG1pUR8KXYK/9n6kOi
90pAj1is1Z6gADAKBggqhkjOPQQDAgNHADBEAiBKqF7zs4+6Z2mw0/bwwIYGTtTx
DOzvUyJ62V1R29WcFwIgb2Dv4YB0sxm1iUvofDSekh+LgJujnmPLhSWeooE4Mw0=
-----END CERTIFICATE REQUEST-----
`;
const developer = `-----BEGIN CERTIFICATE REQUEST-----
MIHVMH0CAQAwGzELMAkGA1UEAwwCbWUxDDAKBgNVBAoMA2RldjBZMBMGByqGSM49
AgEGCCqGSM49AwEHA0IABAUX0crQzO4FykpxakGZ1dWBOb8aOLdizShah2xXwWZ+
2boA1jNIJ5AGwVFF3JV5OTgT8KVxa38/UPSZWue3P72gADAKBggqhkjOPQQDAgNI
ADBFAiEA4rswRZf4kFeV5Pr/vlg8N27Aou6ts0SWfUeKY8p7jIMCIDyFRGgNAz9/
bu+JczrGXXVjESmlb7lrcdmu0U0shD2c
-----END CERTIFICATE REQUEST-----
`;

const request = (name: string, pem: string, signerName = "kubernetes.io/kube-apiserver-client") => ({
  metadata: { name },
  spec: { request: Buffer.from(pem).toString("base64"), signerName, usages: ["client auth"] },
});

test("nobody asks to be a master, and only who may sign or approve does", async () => {
  const asked: AuthorizationAttributes[] = [];
  let granted = "";
  const h = await startHarness({
    authorizer: {
      authorize: (attributes) => {
        if (attributes.resource === "signers") asked.push(attributes);
        return { allowed: attributes.resource !== "signers" || attributes.name === granted, reason: "" };
      },
    },
  });
  assert.equal(
    failure(await h.call("POST", requests, request("m", masters)), 403).message,
    'certificatesigningrequests.certificates.k8s.io "m" is forbidden: use of kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed',
  );
  const made = await h.call("POST", requests, request("d", developer));
  assert.equal(made.status, 201, made.text);
  const approval = {
    ...made.body,
    status: { conditions: [{ type: "Approved", status: "True", reason: "r", message: "m" }] },
  };
  assert.match(
    failure(await h.call("PUT", `${requests}/d/approval`, approval), 403).message ?? "",
    /is forbidden: user not permitted to approve requests with signerName "kubernetes.io\/kube-apiserver-client"$/,
  );
  assert.deepEqual(
    asked.map((each) => [each.verb, each.name]),
    [
      ["approve", "kubernetes.io/kube-apiserver-client"],
      ["approve", "kubernetes.io/*"],
    ],
  );
  granted = "kubernetes.io/*";
  assert.equal((await h.call("PUT", `${requests}/d/approval`, approval)).status, 200);
  granted = "";
  const { body } = await h.call("GET", `${requests}/d`);
  const certificate = Buffer.from(serverCert).toString("base64");
  failure(
    await h.call("PUT", `${requests}/d/status`, { ...body, status: { ...body.status, certificate } }),
    403,
  );
  await h.close();
});
