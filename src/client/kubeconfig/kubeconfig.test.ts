import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { resolveKubeconfig } from "./connect.ts";
import { loadKubeconfig, saveCurrentContext } from "./load.ts";

const dir = mkdtempSync(join(tmpdir(), "kubeconfig-"));
after(() => rmSync(dir, { recursive: true }));
mkdirSync(join(dir, "a"));
const first = join(dir, "a", "config");
const second = join(dir, "second");
const base64 = (text: string): string => Buffer.from(text).toString("base64");
writeFileSync(join(dir, "a", "ca.pem"), "CA FILE");
writeFileSync(
  first,
  `apiVersion: v1
kind: Config
clusters:
- name: one # mine
  cluster: {server: "https://one:6443", certificate-authority: ca.pem}
users:
- name: admin
  user: {client-certificate-data: ${base64("CERT")}, client-key-data: ${base64("KEY")}}
contexts:
- name: one
  context: {cluster: one, user: admin, namespace: team}
`,
);
writeFileSync(
  second,
  JSON.stringify({
    "current-context": "two",
    clusters: [
      { name: "one", cluster: { server: "https://ignored" } },
      { name: "two", cluster: { server: "two.example.org", "tls-server-name": "api" } },
    ],
    users: [{ name: "robot", user: { token: "t", as: "someone" } }],
    contexts: [{ name: "two", context: { cluster: "two", user: "robot" } }],
  }),
);
const env = { KUBECONFIG: `${first}:${join(dir, "missing")}:${second}`, HOME: dir };

test("several files are one; the first to name something wins", () => {
  const { connection, namespace } = resolveKubeconfig({}, env);
  assert.equal(connection.server, "https://two.example.org");
  assert.deepEqual(
    [connection.token, connection.impersonate, connection.tlsServerName],
    ["t", "someone", "api"],
  );
  assert.equal(namespace, undefined);
  assert.equal(loadKubeconfig(env).clusters?.length, 2);
});

test("a context by name; paths count from their own file", () => {
  const { connection, namespace } = resolveKubeconfig({ context: "one", impersonateGroups: ["g"] }, env);
  assert.equal(namespace, "team");
  assert.deepEqual(
    [connection.server, connection.ca, connection.cert, connection.key, connection.impersonateGroups],
    ["https://one:6443", "CA FILE", "CERT", "KEY", ["g"]],
  );
});

test("what is missing is said", () => {
  assert.throws(() => resolveKubeconfig({ context: "three" }, env), /context "three" does not exist/);
  assert.throws(() => resolveKubeconfig({}, { KUBECONFIG: join(dir, "none") }), /no cluster is configured/);
  assert.throws(() => loadKubeconfig({}, join(dir, "none")), /cannot read the kubeconfig/);
  const broken = join(dir, "broken");
  writeFileSync(broken, "a: [");
  assert.throws(() => loadKubeconfig({}, broken), /not valid YAML/);
});

test("switching the context changes the file that says which, and keeps comments", () => {
  saveCurrentContext(env, "one");
  assert.equal(loadKubeconfig(env)["current-context"], "one");
  assert.match(readFileSync(first, "utf8"), /# mine/);
  assert.ok(!readFileSync(first, "utf8").includes("current-context"));
});
