import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { clientCert, clientKey } from "../testing/certificates.ts";
import { configMap } from "../testing/harness.ts";
import { configure, hook, maps, serve, webhookServer } from "../testing/webhooks.ts";
import { credentialsOf, webhookCredentials } from "./credentials.ts";

const kind = { apiVersion: "apiserver.config.k8s.io/v1", kind: "WebhookAdmissionConfiguration" };

test("users are found by host and port, by host, by what stands for their domain, then for all", () => {
  const of = (names: string[], more: object = {}) =>
    credentialsOf({ users: names.map((name) => ({ name, user: { token: name } })), ...more }, "/");
  const all = ["a.b.svc:443", "a.b.svc", "*.b.svc", "*.svc:8443", "*"];
  const who = (target: string, names = all, more: object = {}): unknown =>
    of(names, more)(target)?.headers["authorization"];
  assert.equal(who("a.b.svc:443"), "Bearer a.b.svc:443");
  assert.equal(who("a.b.svc:443", all.slice(1)), "Bearer a.b.svc");
  assert.equal(who("c.b.svc:443"), "Bearer *.b.svc");
  assert.equal(who("c.d.svc:8443"), "Bearer *.svc:8443");
  assert.equal(who("c.b.svc:9"), "Bearer *");
  assert.equal(who("c.b.svc:9", ["x"]), undefined);
  const context = { contexts: [{ name: "c", context: { user: "x" } }], "current-context": "c" };
  assert.equal(who("c.b.svc:9", ["x"], context), "Bearer x");
});

test("a user has a token, or a name and a password; and may speak for another", () => {
  const headers = (user: object) => credentialsOf({ users: [{ name: "*", user }] }, "/")("h:1")?.headers;
  assert.deepEqual(headers({ username: "u", password: "p" }), {
    authorization: `Basic ${Buffer.from("u:p").toString("base64")}`,
  });
  assert.deepEqual(headers({ as: "v", "as-uid": "7", "as-groups": ["g", "h"] }), {
    "impersonate-user": "v",
    "impersonate-uid": "7",
    "impersonate-group": ["g", "h"],
  });
  assert.throws(() => headers({ tokenFile: "/none/at/all" }), /ENOENT/);
});

test("a file with credentials is named by its whole path", () => {
  assert.equal(webhookCredentials(undefined), undefined);
  assert.throws(() => webhookCredentials({ ...kind, kubeConfigFile: "rel" }), {
    message: 'kubeConfigFile: Invalid value: "rel": must be an absolute file path',
  });
  assert.throws(() => webhookCredentials({ ...kind, odd: 1 }), /unknown field "odd"/);
});

test("each kind of webhook is asked as whom its own configuration says", async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "hooks-"));
  t.after(() => rmSync(dir, { recursive: true }));
  const seen: [path: string, authorization: string | undefined, client: string | undefined][] = [];
  const hooks = await webhookServer(
    t,
    () => ({ allowed: true }),
    (url, { authorization }, client) => seen.push([url.split("?")[0] ?? "", authorization, client]),
  );
  const { host } = new URL(hooks.url);
  writeFileSync(join(dir, "cert"), clientCert);
  writeFileSync(join(dir, "key"), clientKey);
  writeFileSync(join(dir, "token"), "secret\n");
  const told = (name: string, user: string): object => {
    const path = join(dir, name);
    writeFileSync(path, `users:\n- name: "${host}"\n  user: ${user}\n`);
    return { ...kind, kubeConfigFile: path };
  };
  const h = await serve(t, {
    pluginConfiguration: new Map([
      ["MutatingAdmissionWebhook", told("m", "{client-certificate: cert, client-key: key}")],
      ["ValidatingAdmissionWebhook", told("v", "{tokenFile: token}")],
    ]),
  });
  await configure(h, "Mutating", "m", [hook("m", `${hooks.url}/m`)]);
  await configure(h, "Validating", "v", [hook("v", `${hooks.url}/v`)]);
  const made = await h.call("POST", maps, configMap("a"));
  assert.equal(made.status, 201, made.text);
  const name = /CN=(.*)/.exec(new X509Certificate(clientCert).subject)?.[1];
  assert.deepEqual(seen, [
    ["/m", undefined, name],
    ["/v", "Bearer secret", undefined],
  ]);
});
