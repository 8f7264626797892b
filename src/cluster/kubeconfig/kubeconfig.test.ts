import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { parse } from "yaml";
import { kubeconfigTarget } from "./location.ts";
import { mergeKubeconfig, removeFromKubeconfig } from "./merge.ts";

const dir = mkdtempSync(join(tmpdir(), "kubeconfig-"));
after(() => rmSync(dir, { recursive: true }));
const entry = { name: "wherry", server: "https://127.0.0.1:6443", ca: "CA", clientCert: "C", clientKey: "K" };
const foreign = `# mine
apiVersion: v1
kind: Config
clusters:
- name: other # keep
  cluster: {server: https://example.org}
contexts:
- {name: other, context: {cluster: other, user: other}}
current-context: other
users: []
`;

test("a new file is private and is removed with its only entry", () => {
  const env = { HOME: join(dir, "home") };
  const path = mergeKubeconfig(entry, env);
  assert.equal(path, join(dir, "home/.kube/config"));
  assert.equal(statSync(path).mode & 0o777, 0o600);
  const parsed = parse(readFileSync(path, "utf8"));
  assert.equal(parsed["current-context"], "wherry");
  assert.equal(parsed.clusters[0].cluster.server, entry.server);
  assert.equal(Buffer.from(parsed.users[0].user["client-key-data"], "base64").toString(), "K");
  assert.equal("tls-server-name" in parsed.clusters[0].cluster, false);
  mergeKubeconfig({ ...entry, serverName: "own" }, env);
  assert.equal(parse(readFileSync(path, "utf8")).clusters[0].cluster["tls-server-name"], "own");
  removeFromKubeconfig("wherry", env);
  assert.ok(!existsSync(path));
});

test("foreign entries and comments survive adding, changing and removing", () => {
  const path = join(dir, "config");
  const env = { KUBECONFIG: path };
  writeFileSync(path, foreign);
  mergeKubeconfig(entry, env);
  mergeKubeconfig({ ...entry, server: "https://127.0.0.1:7000" }, env);
  const text = readFileSync(path, "utf8");
  assert.match(text, /# mine/);
  assert.match(text, /# keep/);
  const parsed = parse(text);
  assert.deepEqual(
    parsed.contexts.map((c: { name: string }) => c.name),
    ["other", "wherry"],
  );
  assert.equal(parsed.clusters[1].cluster.server, "https://127.0.0.1:7000");
  removeFromKubeconfig("wherry", env);
  const left = parse(readFileSync(path, "utf8"));
  assert.equal(left.clusters.length, 1);
  assert.equal(left["current-context"], "");
});

test("with several files kubectl's choice is ours", () => {
  const a = join(dir, "a");
  const b = join(dir, "b");
  assert.equal(kubeconfigTarget({ KUBECONFIG: `${a}:${b}` }), b);
  writeFileSync(b, foreign);
  writeFileSync(a, foreign);
  assert.equal(kubeconfigTarget({ KUBECONFIG: `${a}:${b}` }), a);
  writeFileSync(b, foreign.replaceAll("name: other", "name: wherry"));
  assert.equal(mergeKubeconfig(entry, { KUBECONFIG: `${a}:${b}` }), b);
});

test("a damaged file is refused and left alone", () => {
  const path = join(dir, "damaged");
  writeFileSync(path, "a: [");
  assert.throws(() => mergeKubeconfig(entry, { KUBECONFIG: path }), /not valid YAML/);
  assert.equal(readFileSync(path, "utf8"), "a: [");
});
