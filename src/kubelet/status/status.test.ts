import assert from "node:assert/strict";
import { test } from "node:test";
import type { Container, ContainerStatus, Pod, PodSpec } from "../../api/index.ts";
import { podConditions } from "./conditions.ts";
import { podPhase } from "./pod-phase.ts";
import { qosClass } from "./qos.ts";
import { statusPatch } from "./status-patch.ts";

const pod = (spec: Partial<PodSpec>): Pod => ({
  metadata: { generation: 2 },
  spec: { containers: [{ name: "a" }], ...spec } as PodSpec,
});
const status = (name: string, text: string): ContainerStatus => {
  const [now = "", last] = text.split("<");
  const state = (word: string): ContainerStatus["state"] =>
    word === "run"
      ? { running: {} }
      : word === "wait"
        ? { waiting: {} }
        : { terminated: { exitCode: Number(word) } };
  return {
    name,
    image: "",
    imageID: "",
    ready: now === "run" || now === "0",
    started: now === "run",
    restartCount: 0,
    state: state(now),
    ...(last ? { lastState: state(last) as ContainerStatus["lastState"] } : {}),
  };
};

test("phase", () => {
  const cases: [string, string, string, string, boolean?][] = [
    // policy, init, main, phase, over
    ["Always", "", "wait", "Pending"],
    ["Always", "", "run", "Running"],
    ["Always", "", "1", "Running"],
    ["Always", "", "wait<1", "Running"],
    ["OnFailure", "", "0", "Succeeded"],
    ["OnFailure", "", "1", "Running"],
    ["Never", "", "0", "Succeeded"],
    ["Never", "", "1", "Failed"],
    ["Never", "", "run", "Running"],
    ["Always", "run", "wait", "Pending"],
    ["Always", "1", "wait", "Pending"],
    ["Never", "1", "wait", "Failed"],
    ["Always", "0", "run", "Running"],
    ["Always", "", "143", "Failed", true],
    ["Always", "", "0", "Succeeded", true],
    ["Always", "", "wait", "Failed", true],
  ];
  for (const [restartPolicy, init, main, phase, over = false] of cases) {
    const p = pod({ restartPolicy, ...(init ? { initContainers: [{ name: "i" }] } : {}) });
    const found = podPhase(p, init ? [status("i", init)] : [], [status("a", main)], over);
    assert.equal(found, phase, `${restartPolicy} init=${init} main=${main} over=${over}`);
  }
});

test("conditions name what is not ready, keep their times, and mind readiness gates", () => {
  const p = pod({
    containers: [{ name: "a" }, { name: "b" }],
    readinessGates: [{ conditionType: "x.io/lb" }],
  });
  const base = {
    phase: "Running" as const,
    init: [],
    sandboxReady: true,
    now: Date.parse("2026-01-02T00:00:00Z"),
    before: [],
  };
  const partly = podConditions(p, { ...base, main: [status("a", "run"), status("b", "wait")] });
  const ready = partly.find((c) => c.type === "Ready");
  assert.equal(ready?.reason, "ContainersNotReady");
  assert.equal(ready?.message, "containers with unready status: [b]");
  assert.equal(ready?.observedGeneration, 2);
  const main = [status("a", "run"), status("b", "run")];
  const gated = podConditions(p, { ...base, main, before: partly, now: base.now + 5000 });
  assert.equal(gated.find((c) => c.type === "ContainersReady")?.status, "True");
  assert.equal(gated.find((c) => c.type === "ContainersReady")?.lastTransitionTime, "2026-01-02T00:00:05Z");
  assert.equal(gated.find((c) => c.type === "Initialized")?.lastTransitionTime, "2026-01-02T00:00:00Z");
  assert.equal(gated.find((c) => c.type === "Ready")?.reason, "ReadinessGatesNotReady");
  const open = podConditions(p, { ...base, main, before: [{ type: "x.io/lb", status: "True" }] });
  assert.equal(open.find((c) => c.type === "Ready")?.status, "True");
});

test("quality of service", () => {
  const of = (...resources: Container["resources"][]) =>
    qosClass(pod({ containers: resources.map((r, i) => ({ name: `c${i}`, resources: r ?? {} })) }));
  const all = { cpu: "1", memory: "1Gi" };
  assert.equal(of({}), "BestEffort");
  assert.equal(of({ limits: all }), "Guaranteed");
  assert.equal(of({ limits: all, requests: { cpu: "1000m", memory: "1024Mi" } }), "Guaranteed");
  assert.equal(of({ limits: all }, {}), "Burstable");
  assert.equal(of({ limits: all, requests: { cpu: "500m" } }), "Burstable");
  assert.equal(of({ requests: { "example.com/gpu": "1" } }), "BestEffort");
});

test("a status patch names only what differs", () => {
  const condition = (type: string, state: string, reason?: string) => ({
    type,
    status: state,
    ...(reason ? { reason } : {}),
  });
  const before = {
    phase: "Pending",
    reason: "x",
    conditions: [condition("Ready", "False", "Why"), condition("Other", "True")],
  };
  assert.equal(
    statusPatch(before, { ...before, conditions: [condition("Ready", "False", "Why")] }),
    undefined,
  );
  assert.deepEqual(statusPatch(before, { phase: "Running", conditions: [condition("Ready", "True")] }), {
    phase: "Running",
    reason: null,
    conditions: [{ type: "Ready", status: "True", reason: null }],
  });
  assert.deepEqual(statusPatch({ podIPs: [{ ip: "1" }] }, { podIPs: [{ ip: "2" }] }), {
    podIPs: [{ $patch: "replace" }, { ip: "2" }],
  });
});
