import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { KubeObject, Pod, PodSpec } from "../../api/index.ts";
import type { Call } from "../core.ts";
import { failure, freeze, type Harness, startHarness } from "../testing/harness.ts";
import { prepared, remember, repeatKey } from "./repeats.ts";

let h: Harness;
before(async () => {
  h = await startHarness();
  for (const name of ["default", "other"]) {
    if (name !== "default") await h.call("POST", "/api/v1/namespaces", { metadata: { name } });
    await h.call("POST", `/api/v1/namespaces/${name}/serviceaccounts`, { metadata: { name: "default" } });
  }
});
after(() => h.close());

const podsIn = (namespace: string): string => `/api/v1/namespaces/${namespace}/pods`;
const pods = podsIn("default");

const template = (generateName: string, more: object = {}, spec: object = {}): object => ({
  metadata: { generateName, labels: { app: "web" }, ...more },
  spec: {
    containers: [{ name: "c", image: "i", resources: { requests: { cpu: 1 }, limits: {} } }],
    nodeSelector: {},
    ...spec,
  },
});

/** The pod without its individual fields. */
function common(pod: { metadata: Record<string, unknown>; spec: { volumes: { name: string }[] } }): unknown {
  const { name: _name, uid: _uid, resourceVersion: _version, ...metadata } = pod.metadata;
  const token = pod.spec.volumes[0]?.name ?? "";
  return JSON.parse(JSON.stringify({ ...pod, metadata }).replaceAll(token, "token"));
}

// biome-ignore lint: answers are looked into freely
async function created(body: object, headers: Record<string, string> = {}, path = pods): Promise<any> {
  const answer = await h.call("POST", path, body, headers);
  assert.equal(answer.status, 201, answer.text);
  return answer.body;
}

test("pods of the same bytes are the same but for what is their own", async () => {
  const body = template("web-");
  const first = await created(body);
  for (let i = 0; i < 4; i++) {
    const next = await created(body);
    assert.notEqual(next.metadata.name, first.metadata.name);
    assert.notEqual(next.metadata.uid, first.metadata.uid);
    assert.notEqual(next.spec.volumes[0].name, first.spec.volumes[0].name);
    assert.deepEqual(common(next), common(first));
    // Changes of one pod do not affect another.
    const labels = { metadata: { labels: { app: `changed-${i}` } } };
    const patched = await h.call("PATCH", `${pods}/${next.metadata.name}`, labels, {
      "content-type": "application/merge-patch+json",
    });
    assert.equal(patched.status, 200);
  }
});

test("what pods of one template share nobody writes into", async () => {
  const labels = { app: "web", zone: "a" };
  const labelSelector = { matchLabels: { app: "web" } };
  const term = { topologyKey: "zone", labelSelector, matchLabelKeys: ["zone"] };
  const spec = {
    hostNetwork: true,
    runtimeClassName: "fast",
    affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } },
    initContainers: [{ name: "i", image: "i", env: [{ name: "A", value: "1" }] }],
    containers: [
      {
        name: "c",
        image: "i",
        command: ["run"],
        args: ["-x"],
        env: [{ name: "A", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } }],
        envFrom: [{ configMapRef: { name: "m" } }],
        ports: [{ containerPort: 80 }],
        livenessProbe: { httpGet: { port: 80 } },
        lifecycle: { stopSignal: "SIGTERM" },
        resources: { requests: { cpu: "1" } },
      },
    ],
  };
  const classes = "/apis/node.k8s.io/v1/runtimeclasses";
  const fast = { metadata: { name: "fast" }, handler: "fast", overhead: { podFixed: { cpu: "1m" } } };
  assert.equal((await h.call("POST", classes, fast)).status, 201);
  await h.call("POST", "/api/v1/namespaces", { metadata: { name: "limited" } });
  await h.call("POST", "/api/v1/namespaces/limited/serviceaccounts", { metadata: { name: "default" } });
  const limits = [{ type: "Container", default: { memory: "1Gi" }, defaultRequest: { memory: "1Mi" } }];
  const range = { metadata: { name: "r" }, spec: { limits } };
  assert.equal((await h.call("POST", "/api/v1/namespaces/limited/limitranges", range)).status, 201);
  const body = { metadata: { generateName: "shared-", labels }, spec };
  const first = await created(body, {}, podsIn("limited"));
  for (let i = 0; i < 2; i++) await created(body, {}, podsIn("limited"));
  const stored = (name: string): Pod => h.server.objects.get<Pod>("", "pods", "limited", name) as Pod;
  let last: Pod | undefined;
  for (let i = 0; i < 3; i++) {
    const next = await created(body, {}, podsIn("limited"));
    assert.deepEqual(common(next), common(first));
    const { containers, initContainers } = stored(next.metadata.name).spec as PodSpec;
    const env = last?.spec?.containers[0]?.env;
    if (last) assert.equal(containers[0]?.env, env);
    last = stored(next.metadata.name);
    for (const each of [...containers, ...(initContainers ?? [])]) {
      const { args, command, env, envFrom, ports, livenessProbe } = each;
      freeze([args, command, env, envFrom, ports, livenessProbe]);
    }
  }
});

test("each has its own time, writer and namespace", async () => {
  const body = template("own-");
  for (let i = 0; i < 3; i++) await created(body);
  h.clock.advance(60_000);
  const later = await created(body);
  assert.equal(later.metadata.creationTimestamp, "2026-01-01T00:01:00Z");
  assert.equal(later.metadata.managedFields[0].time, "2026-01-01T00:01:00Z");
  const other = await created(body, { "user-agent": "somebody/1.0" });
  assert.equal(other.metadata.managedFields[0].manager, "somebody");
  const away = await created(body, {}, podsIn("other"));
  assert.equal(away.metadata.namespace, "other");
});

test("owners that a body brings keep their times", async () => {
  const fieldsV1 = { "f:spec": { "f:hostname": {} } };
  const other = { manager: "other", operation: "Update", apiVersion: "v1", fieldsType: "FieldsV1", fieldsV1 };
  const body = template("owned-", { managedFields: [{ ...other, time: "2020-01-01T00:00:00Z" }] });
  for (let i = 0; i < 4; i++) {
    const { managedFields } = (await created(body)).metadata;
    const entry = managedFields.find((each: { manager: string }) => each.manager === "other");
    assert.equal(entry.time, "2020-01-01T00:00:00Z");
  }
});

test("the third of the same is not read again", async () => {
  const call = (): Call =>
    ({
      resource,
      request: { body: Buffer.from("{}"), headers: { "user-agent": "a" } },
      info: { subresource: "", namespace: "default", query: new URLSearchParams() },
      core: { clock: h.clock },
      warnings: [],
    }) as unknown as Call;
  const resource = { def: { fromTemplate: structuredClone }, complete: () => {} };
  const key = repeatKey(call()) ?? assert.fail("not remembered");
  const came = (): KubeObject => ({ metadata: { generateName: "a-", labels: { app: "web" } } });
  for (const known of [undefined, undefined, came()]) {
    assert.deepEqual(prepared(call(), key), known);
    remember(call(), key, came());
  }
});

test("what is warned of or refused stays so, however often it comes", async () => {
  const unknown = template("odd-", {}, { colour: "red" });
  for (let i = 0; i < 3; i++) {
    const warned = await h.call("POST", pods, unknown);
    assert.match(warned.headers.warning ?? "", /unknown field \\"spec.colour\\"/);
    await created(unknown, {}, `${pods}?fieldValidation=Ignore`);
    const strict = failure(await h.call("POST", `${pods}?fieldValidation=Strict`, unknown), 400);
    assert.match(strict.message ?? "", /unknown field "spec.colour"/);
  }
  const wrong = template("wrong-", {}, { restartPolicy: "Sometimes" });
  for (let i = 0; i < 3; i++) failure(await h.call("POST", pods, wrong), 422);
  const versioned = template("versioned-", { resourceVersion: "7" });
  for (let i = 0; i < 3; i++) {
    assert.equal((await h.call("POST", `${pods}?dryRun=All`, versioned)).status, 201);
    failure(await h.call("POST", pods, versioned), 500);
  }
});
