import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pod } from "../api/index.ts";
import { settle } from "../testing/index.ts";
import { isReady, testKubelet } from "./testing/test-kubelet.ts";

test("registers a Ready node with a lease", async () => {
  const k = await testKubelet();
  const node = await k.client.nodes.get(undefined, "node-1");
  assert.equal(node.status?.conditions?.find((c) => c.type === "Ready")?.status, "True");
  assert.equal(node.status?.capacity?.["cpu"], "4");
  assert.equal(node.metadata?.labels?.["kubernetes.io/os"], "linux");
  assert.match(node.status?.nodeInfo?.kubeletVersion ?? "", /^v1\.36\./);
  const lease = await k.until(() => k.client.leases.get("kube-node-lease", "node-1").catch(() => undefined));
  assert.equal(lease.spec?.leaseDurationSeconds, 40);
  await k.stop();
});

test("a pod becomes Ready with few writes", async () => {
  const k = await testKubelet();
  await k.create("a");
  const pod = await k.when("a", isReady);
  assert.equal(pod.status?.phase, "Running");
  assert.equal(pod.status?.qosClass, "BestEffort");
  assert.equal(pod.status?.hostIP, "192.0.2.1");
  assert.match(pod.status?.podIP ?? "", /^10\.244\./);
  assert.deepEqual(
    pod.status?.conditions?.map((c) => `${c.type}=${c.status}`),
    [
      "PodReadyToStartContainers=True",
      "Initialized=True",
      "Ready=True",
      "ContainersReady=True",
      "PodScheduled=True",
    ],
  );
  const web = pod.status?.containerStatuses?.[0];
  assert.ok(web?.state?.running?.startedAt);
  assert.match(web.containerID ?? "", /^simulated:\/\/container-/);
  assert.equal(web.ready, true);
  await k.clock.run(1000);
  const writes = k.api.calls.filter((c) => c.method === "PATCH" && c.path.includes("/pods/a/status"));
  assert.equal(writes.length, 1);
  await k.stop();
});

test("deletion: SIGTERM with the grace period, last status, then the object goes", async () => {
  const k = await testKubelet();
  await k.create("a");
  await k.when("a", isReady);
  await k.client.pods.delete("default", "a", { gracePeriodSeconds: 7 });
  await k.until(async () => (await k.pod("a").catch(() => "gone")) === "gone");
  assert.ok(k.runtime.calls.includes("stop web 7"));
  await k.until(() => k.runtime.calls.includes("remove-sandbox a"));
  const last = k.api.calls.filter((c) => c.method === "PATCH" && c.path.includes("/pods/a/status")).at(-1);
  assert.match(JSON.stringify(last?.body), /"terminated"/);
  assert.equal((await k.runtime.listPodSandbox()).length, 0);
  await k.stop();
});

test("a crashing container backs off: at once, then 10 s, then 20 s", async () => {
  const k = await testKubelet();
  await k.create("a");
  await k.when("a", isReady);
  const running = async () => (await k.runtime.listContainers({ state: "Running" }))[0]?.id;
  const crash = async () => k.runtime.exit((await k.until(running)) ?? "", 1);
  const restarts = async (n: number) =>
    k.when("a", (p) => p.status?.containerStatuses?.[0]?.restartCount === n && isReady(p));
  await k.clock.run(1000);
  await crash();
  await restarts(1);
  await k.clock.run(1000);
  await crash();
  const waiting = await k.when("a", (p) => p.status?.containerStatuses?.[0]?.state?.waiting !== undefined);
  const web = waiting.status?.containerStatuses?.[0];
  assert.equal(web?.state?.waiting?.reason, "CrashLoopBackOff");
  assert.match(
    web?.state?.waiting?.message ?? "",
    /^back-off 10s restarting failed container=web pod=a_default\(/,
  );
  assert.equal(web?.lastState?.terminated?.exitCode, 1);
  assert.equal(isReady(waiting), false);
  assert.equal(waiting.status?.phase, "Running");
  await k.clock.run(10_100);
  await restarts(2);
  await crash();
  const longer = await k.when("a", (p) =>
    /20s/.test(p.status?.containerStatuses?.[0]?.state?.waiting?.message ?? ""),
  );
  assert.equal(longer.status?.containerStatuses?.[0]?.restartCount, 2);
  await k.stop();
});

test("init containers run one after the other, a sidecar keeps running", async () => {
  const k = await testKubelet();
  await k.create("a", {
    initContainers: [
      { name: "one", image: "i:1" },
      { name: "side", image: "i:1", restartPolicy: "Always" },
      { name: "two", image: "i:1" },
    ],
  });
  const started = (name: string) =>
    k.until(async () => {
      const all = await k.runtime.listContainers({ state: "Running" });
      return all.find((c) => c.metadata.name === name);
    });
  const one = await started("one");
  const pending = await k.when(
    "a",
    (p) => p.status?.containerStatuses?.[0]?.state?.waiting?.reason === "PodInitializing",
  );
  assert.equal(pending.status?.phase, "Pending");
  const initialized = pending.status?.conditions?.find((c) => c.type === "Initialized");
  assert.equal(initialized?.message, "containers with incomplete status: [one side two]");
  k.runtime.exit(one.id, 0);
  await started("side");
  const two = await started("two");
  k.runtime.exit(two.id, 0);
  const pod = await k.when("a", isReady);
  assert.equal(pod.status?.phase, "Running");
  assert.deepEqual(
    k.runtime.calls.filter((c) => c.startsWith("start ")),
    ["start one", "start side", "start two", "start web"],
  );
  await k.client.pods.delete("default", "a", { gracePeriodSeconds: 5 });
  await k.until(() => k.runtime.calls.includes("remove-sandbox a"));
  const stops = k.runtime.calls.filter((c) => c.startsWith("stop ")).map((c) => c.split(" ")[1]);
  assert.deepEqual(stops, ["web", "side"]);
  await k.stop();
});

test("on a simulated node what a pod waits for ends by itself", async () => {
  const k = await testKubelet({ endsAlone: true });
  await k.create("a", {
    initContainers: [
      { name: "one", image: "i:1" },
      { name: "side", image: "i:1", restartPolicy: "Always" },
      { name: "two", image: "i:1" },
    ],
  });
  const pod = await k.when("a", isReady);
  assert.deepEqual(
    pod.status?.initContainerStatuses?.map(({ state }) => Object.keys(state ?? {})),
    [["terminated"], ["running"], ["terminated"]],
  );
  await k.stop();
});

test("restartPolicy Never: the pod ends with its containers", async () => {
  for (const [code, phase] of [
    [0, "Succeeded"],
    [3, "Failed"],
  ] as const) {
    const k = await testKubelet();
    await k.create("a", { restartPolicy: "Never" });
    await k.when("a", isReady);
    k.runtime.exit((await k.runtime.listContainers())[0]?.id ?? "", code);
    const pod = await k.when("a", (p) => p.status?.phase === phase);
    assert.equal(pod.status?.containerStatuses?.[0]?.state?.terminated?.exitCode, code);
    await k.until(() => k.runtime.calls.includes("stop-sandbox a"));
    await k.stop();
  }
});

test("a kubelet that comes back adopts what runs, and removes what was deleted meanwhile", async () => {
  const first = await testKubelet();
  await first.create("stays");
  await first.create("goes");
  await first.when("stays", isReady);
  await first.when("goes", isReady);
  await first.halt();
  await first.client.pods.delete("default", "goes", { gracePeriodSeconds: 0 });
  const before = first.runtime.calls.length;
  const second = await testKubelet({ keep: first });
  await second.until(() => second.runtime.calls.includes("remove-sandbox goes"));
  await second.clock.run(1000);
  const pod = await second.pod("stays");
  assert.equal(isReady(pod), true);
  assert.equal(pod.status?.containerStatuses?.[0]?.restartCount, 0);
  const after = second.runtime.calls.slice(before);
  assert.ok(!after.some((c) => c.startsWith("start ") || c.startsWith("sandbox ")));
  assert.deepEqual(
    (await second.runtime.listPodSandbox()).map((s) => s.metadata.name),
    ["stays"],
  );
  await second.stop();
});

test("an image that is not there: ErrImagePull, then ImagePullBackOff with the runtime's sentence", async () => {
  const k = await testKubelet();
  k.images.missing.add("web:1");
  await k.create("a");
  const reason = (p: { status?: { containerStatuses?: { state?: { waiting?: { reason?: string } } }[] } }) =>
    p.status?.containerStatuses?.[0]?.state?.waiting?.reason;
  await k.when("a", (p) => reason(p) === "ErrImagePull");
  await k.clock.run(1100);
  const pod = await k.when("a", (p) => reason(p) === "ImagePullBackOff");
  const message = pod.status?.containerStatuses?.[0]?.state?.waiting?.message ?? "";
  assert.match(message, /^Back-off pulling image "web:1": ErrImagePull: there is no image web:1$/);
  k.images.missing.clear();
  await k.clock.run(15_000);
  await k.when("a", isReady);
  await k.stop();
});

test("readiness follows its probe, liveness restarts, startup holds both back", async () => {
  const k = await testKubelet();
  const answers = new Map([
    ["startup", 1],
    ["live", 0],
    ["ready", 1],
  ]);
  k.runtime.onExec = (_, [command = ""]) =>
    Promise.resolve({ stdout: "", exitCode: answers.get(command) ?? 0 });
  const probe = (command: string) => ({
    exec: { command: [command] },
    periodSeconds: 1,
    failureThreshold: 3,
    timeoutSeconds: 1,
  });
  await k.create(
    "a",
    {},
    {
      startupProbe: { ...probe("startup"), failureThreshold: 30 },
      livenessProbe: probe("live"),
      readinessProbe: probe("ready"),
    },
  );
  await k.when("a", (p) => p.status?.containerStatuses?.[0]?.started === false);
  answers.set("startup", 0);
  await k.clock.run(1000);
  const started = await k.when("a", (p) => p.status?.containerStatuses?.[0]?.started === true);
  assert.equal(isReady(started), false);
  answers.set("ready", 0);
  await k.clock.run(1000);
  await k.when("a", isReady);
  answers.set("live", 1);
  await k.clock.run(3000);
  await k.when("a", (p) => p.status?.containerStatuses?.[0]?.restartCount === 1);
  await k.stop();
});

test("volumes follow their ConfigMap; a missing one holds the pod back until it is there", async () => {
  const { readFile } = await import("node:fs/promises");
  const k = await testKubelet();
  await k.create(
    "a",
    { volumes: [{ name: "c", configMap: { name: "conf" } }] },
    {
      volumeMounts: [{ name: "c", mountPath: "/c" }],
      env: [{ name: "X", valueFrom: { configMapKeyRef: { name: "conf", key: "x" } } }],
    },
  );
  const uid = (await k.pod("a")).metadata?.uid ?? "";
  await k.until(() => k.runtime.calls.includes("sandbox a"));
  await k.client.configMaps.create("default", { metadata: { name: "conf" }, data: { x: "1" } });
  await k.clock.run(3000);
  await k.when("a", isReady);
  const file = `${k.directory}/memory/pods/${uid}/volumes/kubernetes.io~configmap/c/x`;
  assert.equal(await readFile(file, "utf8"), "1");
  await k.client.configMaps.patch("default", "conf", "merge", { data: { x: "2" } });
  await k.until(async () => (await readFile(file, "utf8")) === "2");
  await k.client.configMaps.delete("default", "conf");
  await k.clock.run(1000);
  assert.equal(await readFile(file, "utf8"), "2", "what is mounted stays when its source goes");
  await k.client.configMaps.create("default", { metadata: { name: "conf" }, data: { x: "3" } });
  await k.until(async () => (await readFile(file, "utf8")) === "3");
  await k.stop();
});

test("what does not fit is refused by the node itself", async () => {
  const k = await testKubelet();
  const port = { ports: [{ containerPort: 80, hostPort: 8080 }] };
  await k.create("first", {}, port);
  await k.when("first", isReady);
  await k.create("second", {}, port);
  const ports = await k.when("second", (p) => p.status?.phase === "Failed");
  assert.equal(ports.status?.reason, "NodePorts");
  await k.create("big", {}, { resources: { requests: { cpu: "5" } } });
  const big = await k.when("big", (p) => p.status?.phase === "Failed");
  assert.equal(big.status?.reason, "OutOfcpu");
  await k.create("elsewhere", { nodeSelector: { disk: "ssd" } });
  assert.equal(
    (await k.when("elsewhere", (p) => p.status?.phase === "Failed")).status?.reason,
    "NodeAffinity",
  );
  await k.stop();
});

test("activeDeadlineSeconds ends the pod", async () => {
  const k = await testKubelet();
  await k.create("a", { activeDeadlineSeconds: 5 });
  await k.when("a", isReady);
  await k.clock.run(5100);
  const pod = await k.when("a", (p) => p.status?.phase === "Failed");
  assert.equal(pod.status?.reason, "DeadlineExceeded");
  await k.stop();
});

test("a job's pod is over only when its sidecar is, too", async () => {
  const k = await testKubelet();
  await k.create("a", {
    restartPolicy: "Never",
    initContainers: [{ name: "side", image: "s:1", restartPolicy: "Always" }],
  });
  await k.when("a", isReady);
  const release = Promise.withResolvers<void>();
  k.runtime.intercept = (call) => (call.startsWith("stop side") ? release.promise : undefined);
  const web = (await k.runtime.listContainers()).find((c) => c.metadata.name === "web");
  k.runtime.exit(web?.id ?? "", 0);
  await k.until(() => k.runtime.calls.some((c) => c.startsWith("stop side")));
  await k.clock.run(500);
  const between = await k.when("a", (p) => p.status?.containerStatuses?.[0]?.state?.terminated !== undefined);
  assert.equal(between.status?.phase, "Running");
  assert.equal(between.status?.conditions?.find((c) => c.type === "Ready")?.reason, "PodCompleted");
  release.resolve();
  await k.when("a", (p) => p.status?.phase === "Succeeded");
  await k.stop();
});

test("in-place resize: new limits without a restart, or with one where the policy says so; too much is refused", async () => {
  const k = await testKubelet();
  const limits = (cpu: string) => ({ resources: { requests: { cpu }, limits: { cpu } } });
  await k.create("a", {}, limits("1"));
  await k.when("a", isReady);
  const resize = (cpu: string, more: object = {}) =>
    k.client.pods.patch("default", "a", "strategic", {
      spec: { containers: [{ name: "web", ...limits(cpu), ...more }] },
    });
  const web = (p: Pod) => p.status?.containerStatuses?.[0];
  await resize("2");
  const grown = await k.when("a", (p) => web(p)?.resources?.limits?.["cpu"] === "2");
  assert.equal(web(grown)?.restartCount, 0);
  assert.equal((await k.runtime.listContainers()).length, 1);
  const run = await k.runtime.containerStatus((await k.runtime.listContainers())[0]?.id ?? "");
  assert.equal(run.resources?.cpuQuota, 200_000);
  assert.deepEqual(
    k.runtime.calls.filter((c) => c.startsWith("resize")),
    ["resize-sandbox a", "resize web", "resize-sandbox a"],
  );
  await resize("9");
  const refused = await k.when(
    "a",
    (p) => p.status?.conditions?.some((c) => c.type === "PodResizePending") ?? false,
  );
  assert.equal(refused.status?.conditions?.find((c) => c.type === "PodResizePending")?.reason, "Infeasible");
  assert.equal(web(refused)?.resources?.limits?.["cpu"], "2");
  await resize("3", { resizePolicy: [{ resourceName: "cpu", restartPolicy: "RestartContainer" }] });
  const restarted = await k.when("a", (p) => web(p)?.restartCount === 1 && isReady(p));
  assert.equal(
    restarted.status?.conditions?.some((c) => c.type === "PodResizePending"),
    false,
  );
  await k.stop();
});

test("a label that the node just got counts for the next pod", async () => {
  const k = await testKubelet();
  await k.client.nodes.patch(undefined, "node-1", "merge", { metadata: { labels: { disk: "ssd" } } });
  await settle();
  await k.create("a", { nodeSelector: { disk: "ssd" } });
  const pod = await k.when("a", (one) => one.status?.phase !== "Pending" && one.status?.phase !== undefined);
  assert.equal(pod.status?.phase, "Running", pod.status?.message ?? "");
  await k.stop();
});
