import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConfigMap, Pod, Secret, Service } from "../../api/index.ts";
import { ContainerStartError } from "./config-error.ts";
import { downwardField, downwardResource } from "./downward.ts";
import { containerEnvironment } from "./environment.ts";
import { expandVariables } from "./expansion.ts";

const pod: Pod = {
  metadata: { name: "p", namespace: "ns", uid: "u", labels: { b: 'say "hi"', a: "1" } },
  spec: {
    containers: [{ name: "web", resources: { requests: { cpu: "250m" }, limits: { memory: "64Mi" } } }],
  },
};
const downward = {
  pod,
  nodeName: "n",
  hostIps: ["192.0.2.1"],
  podIps: ["10.0.0.2"],
  allocatable: { cpu: "4", memory: "8Gi" },
};
const services: Service[] = [
  {
    metadata: { name: "kubernetes", namespace: "default" },
    spec: { clusterIP: "10.96.0.1", ports: [{ name: "https", port: 443 }] },
  },
  { metadata: { name: "my-db", namespace: "ns" }, spec: { clusterIP: "10.96.0.7", ports: [{ port: 5432 }] } },
  { metadata: { name: "headless", namespace: "ns" }, spec: { clusterIP: "None", ports: [{ port: 1 }] } },
  {
    metadata: { name: "other", namespace: "elsewhere" },
    spec: { clusterIP: "10.96.0.8", ports: [{ port: 1 }] },
  },
];
const source = {
  services: () => Promise.resolve(services),
  configMap: (_: string, name: string) =>
    Promise.resolve(name === "conf" ? ({ data: { A: "1", B: "$(A)" } } as ConfigMap) : undefined),
  secret: (_: string, name: string) =>
    Promise.resolve(
      name === "key" ? ({ data: { pass: Buffer.from("s3cret").toString("base64") } } as Secret) : undefined,
    ),
};
const envOf = async (container: object) =>
  await containerEnvironment(pod, { name: "web", ...container }, source, downward);

test("$(NAME) expansion", () => {
  const lookup = (name: string) => ({ A: "1", B: "two" })[name];
  const cases: [string, string][] = [
    ["$(A)-$(B)", "1-two"],
    ["$$(A)", "$(A)"],
    ["$(NONE)", "$(NONE)"],
    ["$A $", "$A $"],
    ["$(A", "$(A"],
    ["$$$(A)", "$1"],
  ];
  for (const [text, expected] of cases) assert.equal(expandVariables(text, lookup), expected, text);
});

test("Services, envFrom, env: later wins and may use earlier", async () => {
  const env = await envOf({
    envFrom: [{ prefix: "P_", configMapRef: { name: "conf" } }],
    env: [
      { name: "DB", value: "$(MY_DB_SERVICE_HOST):$(MY_DB_SERVICE_PORT)/$(P_A)" },
      { name: "PASS", valueFrom: { secretKeyRef: { name: "key", key: "pass" } } },
      { name: "NONE", valueFrom: { secretKeyRef: { name: "absent", key: "x", optional: true } } },
      { name: "IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
      { name: "P_A", value: "over" },
    ],
  });
  assert.equal(env.get("DB"), "10.96.0.7:5432/1");
  assert.equal(env.get("PASS"), "s3cret");
  assert.equal(env.get("IP"), "10.0.0.2");
  assert.equal(env.get("P_A"), "over");
  assert.equal(env.get("P_B"), "$(A)", "values of ConfigMaps are not expanded");
  assert.equal(env.has("NONE"), false);
  assert.equal(env.get("KUBERNETES_SERVICE_PORT_HTTPS"), "443");
  assert.equal(env.get("MY_DB_PORT_5432_TCP"), "tcp://10.96.0.7:5432");
  assert.equal(env.has("HEADLESS_SERVICE_HOST") || env.has("OTHER_SERVICE_HOST"), false);
});

test("what is missing is said in Kubernetes' words", async () => {
  const cases: [object, string][] = [
    [{ envFrom: [{ configMapRef: { name: "x" } }] }, 'configmap "x" not found'],
    [{ env: [{ name: "E", valueFrom: { secretKeyRef: { name: "x", key: "k" } } }] }, 'secret "x" not found'],
    [
      { env: [{ name: "E", valueFrom: { configMapKeyRef: { name: "conf", key: "k" } } }] },
      "couldn't find key k in ConfigMap ns/conf",
    ],
  ];
  for (const [container, message] of cases) {
    await assert.rejects(
      envOf(container),
      (e) =>
        e instanceof ContainerStartError &&
        e.reason === "CreateContainerConfigError" &&
        e.message === message,
    );
  }
});

test("downward API", () => {
  const own = pod.spec?.containers[0];
  assert.equal(downwardField(downward, "metadata.labels"), 'a="1"\nb="say \\"hi\\""');
  const rung = { ...downward, pod: { metadata: { annotations: { note: "ring \u0007, é" } } } };
  assert.equal(downwardField(rung, "metadata.annotations"), 'note="ring \\a, é"', "quoted as Go does");
  assert.equal(downwardField(downward, "metadata.labels['a']"), "1");
  assert.equal(downwardField(downward, "spec.unknown"), undefined);
  assert.equal(downwardResource(downward, { resource: "requests.cpu" }, own), "1", "rounded up");
  assert.equal(downwardResource(downward, { resource: "requests.cpu", divisor: "1m" }, own), "250");
  assert.equal(downwardResource(downward, { resource: "limits.memory", divisor: "1Mi" }, own), "64");
  assert.equal(
    downwardResource(downward, { resource: "limits.cpu" }, own),
    "4",
    "the node's when there is no limit",
  );
});
