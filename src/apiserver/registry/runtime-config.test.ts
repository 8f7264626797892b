import assert from "node:assert/strict";
import { test } from "node:test";
import { kinds } from "../../api/index.ts";
import { pod, startHarness } from "../testing/harness.ts";
import { readRuntimeConfig } from "./runtime-config.ts";

const known = [
  { group: "", version: "v1" },
  { group: "apps", version: "v1" },
  { group: "autoscaling", version: "v1" },
  { group: "autoscaling", version: "v2" },
];
const read = (pairs: Record<string, string>) => readRuntimeConfig(new Map(Object.entries(pairs)), known);

test("what is turned off is not served, the more exact word counts", () => {
  const isServed = read({
    "apps/v1": "false",
    "apps/v1/deployments": "true",
    "autoscaling/v1/x": "f",
    v1: "false",
  });
  assert.deepEqual(
    [
      isServed("apps", "v1", "daemonsets"),
      isServed("apps", "v1", "deployments"),
      isServed("autoscaling", "v1", "x"),
      isServed("autoscaling", "v2", "x"),
      isServed("", "v1", "pods"),
    ],
    [false, true, false, true, true],
  );
});

test("what cannot be turned on or off is told in kube-apiserver's words", () => {
  const problem = (key: string, value: string): string => {
    try {
      read({ [key]: value });
      return "";
    } catch (error) {
      return (error as Error).message;
    }
  };
  assert.equal(problem("api/all", "false"), "invalid runtime-config with only api/all=false");
  assert.equal(
    problem("api/ga", "false"),
    "--runtime-config=api/ga=false conflicts with --enable-priority-and-fairness=true",
  );
  assert.equal(problem("api/beta", "x"), "invalid value api/beta=x");
  assert.equal(problem("api/foo", "true"), "unknown api groups api/foo");
  assert.equal(problem("a/b/c/d", "true"), "runtime-config invalid key a/b/c/d");
  assert.equal(problem("constructor", "true"), "runtime-config invalid key constructor");
  assert.equal(problem("apps/v9", "true"), "group version apps/v9 that has not been registered");
  assert.equal(
    problem("apps/v1", "maybe"),
    'invalid value of apps/v1: maybe, err: strconv.ParseBool: parsing "maybe": invalid syntax',
  );
  assert.equal(
    problem("apps/v1/Deployments", "false"),
    'invalid key apps/v1/Deployments: group/version/resource and resource is always lowercase plural, not "Deployments"',
  );
  // APIs that are off by default stay off, and enabling them is refused with the reason.
  assert.equal(problem("api/beta", "false"), "");
  assert.equal(problem("apps/v1beta1", "false"), "");
  assert.equal(problem("api/ga", "true"), "");
  for (const key of ["api/all", "api/alpha", "apps/v1beta1"])
    assert.match(problem(key, "true"), /=true: versions that are off by default are not there yet$/);
});

test("a server does not know what is turned off; the same objects in another version stay", async (t) => {
  const h = await startHarness({
    runtimeConfig: new Map([
      ["autoscaling/v1", "false"],
      ["batch/v1/cronjobs", "false"],
      ["storage.k8s.io/v1", "false"],
    ]),
  });
  t.after(() => h.close());
  const status = async (path: string) => (await h.call("GET", path)).status;
  assert.equal(await status("/apis/autoscaling/v1/horizontalpodautoscalers"), 404);
  assert.equal(await status("/apis/autoscaling/v2/horizontalpodautoscalers"), 200);
  assert.equal(await status("/apis/batch/v1/cronjobs"), 404);
  assert.equal(await status("/apis/batch/v1/jobs"), 200);
  assert.equal(await status("/apis/storage.k8s.io/v1/storageclasses"), 404);
  const groups = (await h.call("GET", "/apis")).body.groups as {
    name: string;
    versions: { version: string }[];
  }[];
  assert.deepEqual(
    groups.find(({ name }) => name === "autoscaling")?.versions.map(({ version }) => version),
    ["v2"],
  );
  assert.equal(
    groups.find(({ name }) => name === "storage.k8s.io"),
    undefined,
  );
  const batch = (await h.call("GET", "/apis/batch/v1")).body.resources as { name: string }[];
  assert.deepEqual(
    batch.map(({ name }) => name),
    ["jobs", "jobs/status"],
  );
  const services = (await h.call("GET", "/apis/apiregistration.k8s.io/v1/apiservices")).body.items as {
    metadata: { name: string };
  }[];
  const names = services.map(({ metadata }) => metadata.name);
  assert.ok(names.includes("v2.autoscaling") && !names.includes("v1.autoscaling"), names.join());
});

test("a server with the core alone works", async (t) => {
  const runtimeConfig = new Map(
    kinds
      .filter(({ group }) => group !== "" && group !== "flowcontrol.apiserver.k8s.io")
      .map(({ group, version }) => [`${group}/${version}`, "false"]),
  );
  const h = await startHarness({ runtimeConfig });
  t.after(() => h.close());
  const base = "/api/v1/namespaces/default";
  await h.call("POST", `${base}/serviceaccounts`, { metadata: { name: "default" } });
  const claim = {
    metadata: { name: "c" },
    spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
  };
  for (const [plural, object] of [
    ["pods", pod("p")],
    ["persistentvolumeclaims", claim],
    ["services", { metadata: { name: "s" }, spec: { ports: [{ port: 80 }] } }],
    ["nodes", { metadata: { name: "n" } }],
  ] as const) {
    const made = await h.call("POST", plural === "nodes" ? "/api/v1/nodes" : `${base}/${plural}`, object);
    assert.equal(made.status, 201, `${plural}: ${made.text}`);
  }
  const evicted = await h.call("POST", `${base}/pods/p/eviction`, {
    apiVersion: "policy/v1",
    kind: "Eviction",
    metadata: { name: "p" },
  });
  assert.equal(evicted.status, 201, evicted.text);
  assert.deepEqual(
    (await h.call("GET", "/apis")).body.groups.map(({ name }: { name: string }) => name),
    ["flowcontrol.apiserver.k8s.io"],
  );
  assert.equal((await h.call("GET", "/readyz")).text, "ok");
  assert.equal((await h.call("GET", "/openapi/v3")).status, 200);
});
