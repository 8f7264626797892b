import assert from "node:assert/strict";
import { test } from "node:test";
import type { Container, Pod, PodSpec } from "../../api/index.ts";
import type { ContainerStatus, PodSandboxStatus } from "../../cri/index.ts";
import { runtimeAnnotations, runtimeLabels } from "../pods/pod-runtime.ts";
import { containerHash } from "./container-hash.ts";
import { computePodActions, type ProbeVerdicts } from "./pod-actions.ts";

const quiet: ProbeVerdicts = { started: () => true, livenessFailed: () => false, startupFailed: () => false };
const pod = (spec: Partial<PodSpec> = {}): Pod => ({
  metadata: { name: "p", namespace: "d", uid: "u" },
  spec: { restartPolicy: "Always", containers: [{ name: "web", image: "w:1" }], ...spec } as PodSpec,
});
const sandbox = (over: Partial<PodSandboxStatus> = {}): PodSandboxStatus => ({
  id: "s",
  metadata: { name: "p", uid: "u", namespace: "d", attempt: 0 },
  state: "Ready",
  createdAt: 1n,
  labels: {},
  annotations: {},
  runtimeHandler: "",
  ips: ["10.0.0.2"],
  namespaceOptions: { network: "POD", pid: "CONTAINER", ipc: "POD" },
  ...over,
});
const run = (name: string, over: Partial<ContainerStatus> = {}): ContainerStatus =>
  ({
    id: `id-${name}`,
    sandboxId: "s",
    metadata: { name, attempt: 0 },
    state: "Running",
    exitCode: 0,
    labels: { [runtimeLabels.containerName]: name },
    annotations: {},
    ...over,
  }) as ContainerStatus;
const exited = (name: string, exitCode: number): ContainerStatus => run(name, { state: "Exited", exitCode });
const side: Container = { name: "side", image: "s:1", restartPolicy: "Always" };
const init: Container = { name: "init", image: "i:1" };

/** One line that says all: what is killed, made, started. */
function plan(p: Pod, sandboxes: PodSandboxStatus[], containers: ContainerStatus[], probes = quiet): string {
  const a = computePodActions(p, { uid: "u", name: "p", namespace: "d", sandboxes, containers }, probes);
  return [
    a.killPod ? "kill-pod" : "",
    a.createSandbox ? `sandbox#${a.attempt}` : "",
    ...a.toKill.map((k) => `kill:${k.name}`),
    ...a.ephemeralToStart.map((c) => `eph:${c.name}`),
    ...a.initToStart.map((c) => `init:${c.name}`),
    ...a.toStart.map((c) => `start:${c.name}`),
  ]
    .filter((w) => w)
    .join(" ");
}

test("sandbox", () => {
  const never = pod({ restartPolicy: "Never" });
  const gone = sandbox({ state: "NotReady" });
  assert.equal(plan(pod(), [], []), "kill-pod sandbox#0 start:web");
  assert.equal(plan(pod(), [sandbox()], []), "start:web");
  assert.equal(plan(pod(), [sandbox()], [run("web")]), "");
  assert.equal(plan(pod(), [gone], [exited("web", 137)]), "kill-pod sandbox#1 start:web");
  assert.equal(plan(pod(), [sandbox({ ips: [] })], []), "kill-pod sandbox#1 start:web", "without an address");
  assert.equal(plan(pod({ hostNetwork: true }), [sandbox()], []), "kill-pod sandbox#1 start:web");
  assert.equal(plan(never, [gone], [exited("web", 0)]), "kill-pod", "had its run");
  assert.equal(plan(never, [gone], []), "kill-pod sandbox#1 start:web", "never ran");
  assert.equal(plan(pod({ initContainers: [init] }), [gone], []), "kill-pod sandbox#1 init:init");
});

test("restart policies", () => {
  const cases: [string, number, string][] = [
    ["Always", 0, "start:web"],
    ["Always", 1, "start:web"],
    ["OnFailure", 0, "kill-pod"],
    ["OnFailure", 1, "start:web"],
    ["Never", 0, "kill-pod"],
    ["Never", 1, "kill-pod"],
  ];
  for (const [restartPolicy, code, expected] of cases) {
    assert.equal(
      plan(pod({ restartPolicy }), [sandbox()], [exited("web", code)]),
      expected,
      `${restartPolicy} ${code}`,
    );
  }
  const two = pod({ restartPolicy: "Never", containers: [{ name: "a" }, { name: "b" }] });
  assert.equal(plan(two, [sandbox()], [exited("a", 1), run("b")]), "", "the other one goes on");
  const rules = pod({
    restartPolicy: "Never",
    containers: [
      {
        name: "web",
        restartPolicyRules: [{ action: "Restart", exitCodes: { operator: "In", values: [42] } }],
      },
    ],
  });
  assert.equal(plan(rules, [sandbox()], [exited("web", 42)]), "start:web");
  assert.equal(plan(rules, [sandbox()], [exited("web", 1)]), "kill-pod");
});

test("init containers go one after the other", () => {
  const p = pod({ initContainers: [init, side, { name: "last", image: "l:1" }] });
  const s = [sandbox()];
  assert.equal(plan(p, s, []), "init:init");
  assert.equal(plan(p, s, [run("init")]), "");
  assert.equal(plan(p, s, [exited("init", 0)]), "init:side");
  assert.equal(plan(p, s, [exited("init", 1)]), "init:init");
  assert.equal(plan(p, s, [run("side"), exited("init", 0)]), "init:last");
  const waiting = { ...quiet, started: () => false };
  assert.equal(plan(p, s, [run("side"), exited("init", 0)], waiting), "", "until the sidecar has started");
  assert.equal(plan(p, s, [exited("last", 0), exited("side", 1), exited("init", 0)]), "init:side start:web");
  assert.equal(
    plan(p, s, [run("web"), exited("last", 0), exited("side", 1)]),
    "init:side",
    "sidecars come back",
  );
  const never = pod({ restartPolicy: "Never", initContainers: [init] });
  assert.equal(plan(never, s, [exited("init", 1)]), "kill-pod");
  const job = pod({ restartPolicy: "Never", initContainers: [side] });
  assert.equal(
    plan(job, s, [exited("web", 0), run("side")]),
    "kill-pod",
    "a sidecar does not keep a pod alive",
  );
});

test("probes and changed images kill; the policy says whether it comes back", () => {
  const s = [sandbox()];
  const sick = { ...quiet, livenessFailed: () => true };
  assert.equal(plan(pod(), s, [run("web")], sick), "kill:web start:web");
  assert.equal(plan(pod({ restartPolicy: "Never" }), s, [run("web")], sick), "kill:web");
  const hash = (image: string) => ({
    annotations: { [runtimeAnnotations.containerHash]: containerHash({ name: "web", image }) },
  });
  assert.equal(plan(pod(), s, [run("web", hash("w:1"))]), "");
  assert.equal(plan(pod({ restartPolicy: "Never" }), s, [run("web", hash("w:0"))]), "kill:web start:web");
});

test("an ephemeral container runs once", () => {
  const p = pod({ ephemeralContainers: [{ name: "debug" }] });
  assert.equal(plan(p, [sandbox()], [run("web")]), "eph:debug");
  assert.equal(plan(p, [sandbox()], [run("web"), exited("debug", 1)]), "");
});
