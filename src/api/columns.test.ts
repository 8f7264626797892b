import assert from "node:assert/strict";
import { test } from "node:test";
import type { KindDefinition } from "./definition.ts";
import { kinds } from "./kinds.ts";
import type { KubeObject } from "./meta.ts";

// What a client sends is any JSON.
// oxlint-disable-next-line typescript/no-explicit-any
type Any = any;

function kindOf(plural: string, group = ""): KindDefinition {
  const kind = kinds.find((each) => each.plural === plural && each.group === group);
  assert.ok(kind, plural);
  return kind;
}

const container = { name: "a", image: "nginx:1.25" };

function row(kind: KindDefinition, object: KubeObject, now: number): unknown[] {
  return kind.columns.filter((column) => column.priority === 0).map((column) => column.cell(object, now));
}

test("kubectl get shows pods in kubectl's words", () => {
  const kind = kindOf("pods");
  const now = Date.parse("2026-01-01T01:00:00Z");
  const pod = (status: Any, spec: Any = {}, metadata: Any = {}): Any => ({
    metadata: { name: "p", creationTimestamp: "2026-01-01T00:00:00Z", ...metadata },
    spec: { containers: [container], ...spec },
    status,
  });
  const running = { name: "a", ready: true, restartCount: 0, state: { running: {} } };
  const cases: readonly (readonly [Any, string, string, string])[] = [
    [pod({ phase: "Pending" }), "0/1", "Pending", "0"],
    [pod({ phase: "Running", containerStatuses: [running] }), "1/1", "Running", "0"],
    [
      pod({
        phase: "Running",
        containerStatuses: [
          {
            name: "a",
            restartCount: 3,
            state: { waiting: { reason: "CrashLoopBackOff" } },
            lastState: { terminated: { exitCode: 1, finishedAt: "2026-01-01T00:59:55Z" } },
          },
        ],
      }),
      "0/1",
      "CrashLoopBackOff",
      "3 (5s ago)",
    ],
    [
      pod({
        phase: "Pending",
        containerStatuses: [{ name: "a", state: { waiting: { reason: "ContainerCreating" } } }],
      }),
      "0/1",
      "ContainerCreating",
      "0",
    ],
    [
      pod({
        phase: "Succeeded",
        containerStatuses: [{ name: "a", state: { terminated: { exitCode: 0, reason: "Completed" } } }],
      }),
      "0/1",
      "Completed",
      "0",
    ],
    [
      pod({
        phase: "Failed",
        containerStatuses: [{ name: "a", state: { terminated: { exitCode: 1, reason: "Error" } } }],
      }),
      "0/1",
      "Error",
      "0",
    ],
    [pod({ phase: "Failed", reason: "Evicted" }), "0/1", "Evicted", "0"],
    [
      pod(
        { phase: "Running", containerStatuses: [running] },
        {},
        { deletionTimestamp: "2026-01-01T00:59:00Z" },
      ),
      "1/1",
      "Terminating",
      "0",
    ],
    [
      pod(
        { phase: "Pending", initContainerStatuses: [{ name: "i", restartCount: 0, state: { running: {} } }] },
        { initContainers: [{ name: "i" }, { name: "j" }] },
      ),
      "0/1",
      "Init:0/2",
      "0",
    ],
    [
      pod(
        {
          phase: "Pending",
          initContainerStatuses: [
            { name: "i", restartCount: 2, state: { waiting: { reason: "CrashLoopBackOff" } } },
          ],
        },
        { initContainers: [{ name: "i" }] },
      ),
      "0/1",
      "Init:CrashLoopBackOff",
      "2",
    ],
    [
      pod(
        {
          phase: "Running",
          initContainerStatuses: [
            { name: "side", ready: true, started: true, restartCount: 0, state: { running: {} } },
          ],
          containerStatuses: [running],
        },
        { initContainers: [{ name: "side", restartPolicy: "Always" }] },
      ),
      "2/2",
      "Running",
      "0",
    ],
  ];
  for (const [object, ready, status, restarts] of cases) {
    assert.deepEqual(row(kind, object, now), ["p", ready, status, restarts, "60m"]);
  }
});

test("kubectl get shows services, deployments, nodes and volumes", () => {
  const now = Date.parse("2026-01-01T00:05:03Z");
  const metadata = { name: "x", creationTimestamp: "2026-01-01T00:00:00Z" };
  const service = {
    metadata,
    spec: {
      type: "LoadBalancer",
      clusterIPs: ["10.0.0.1"],
      ports: [{ port: 80, nodePort: 30080, protocol: "TCP" }],
    },
    status: {},
  };
  assert.deepEqual(row(kindOf("services"), service, now), [
    "x",
    "LoadBalancer",
    "10.0.0.1",
    "<pending>",
    "80:30080/TCP",
    "5m3s",
  ]);
  const deploy = {
    metadata,
    spec: { replicas: 3 },
    status: { readyReplicas: 2, updatedReplicas: 3, availableReplicas: 2 },
  };
  assert.deepEqual(row(kindOf("deployments", "apps"), deploy as KubeObject, now), ["x", "2/3", 3, 2, "5m3s"]);
  const node = {
    metadata: { ...metadata, labels: { "node-role.kubernetes.io/control-plane": "" } },
    spec: { unschedulable: true },
    status: { conditions: [{ type: "Ready", status: "True" }], nodeInfo: { kubeletVersion: "v1.36.0" } },
  };
  assert.deepEqual(row(kindOf("nodes"), node as KubeObject, now), [
    "x",
    "Ready,SchedulingDisabled",
    "control-plane",
    "5m3s",
    "v1.36.0",
  ]);
  const claim = {
    metadata,
    spec: { accessModes: ["ReadWriteOnce"], volumeName: "v", storageClassName: "s" },
    status: { phase: "Bound", capacity: { storage: "1Gi" }, accessModes: ["ReadWriteOnce"] },
  };
  assert.deepEqual(row(kindOf("persistentvolumeclaims"), claim as KubeObject, now), [
    "x",
    "Bound",
    "v",
    "1Gi",
    "RWO",
    "s",
    "<unset>",
    "5m3s",
  ]);
});

test("what of a list comes to nothing in a row is unset", () => {
  const kind = kindOf("endpointslices", "discovery.k8s.io");
  const slice = (ports: object[]): KubeObject =>
    ({ metadata: { name: "s" }, addressType: "IPv4", ports, endpoints: [] }) as KubeObject;
  const shown = (ports: object[]): unknown => row(kind, slice(ports), 0)[2];
  assert.equal(shown([{ name: "" }]), "<unset>");
  assert.equal(shown([{ name: "" }, { port: 80 }]), ",80");
  assert.equal(shown([]), "<unset>");
});

test("sidecars behind an init container that is in the way restart for nobody", () => {
  const kind = kindOf("pods");
  const states = (blocked: boolean): Any => ({
    metadata: { name: "p" },
    spec: {
      initContainers: [
        { name: "i", image: "i" },
        { name: "s", image: "i", restartPolicy: "Always" },
      ],
      containers: [container],
    },
    status: {
      phase: "Running",
      conditions: [{ type: "Initialized", status: "True" }],
      initContainerStatuses: [
        { name: "i", restartCount: 1, state: blocked ? {} : { terminated: { exitCode: 0 } } },
        { name: "s", restartCount: 100, state: {} },
      ],
      containerStatuses: [{ name: "a", restartCount: 2, state: {} }],
    },
  });
  assert.equal(row(kind, states(true), 0)[3], "2");
  assert.equal(row(kind, states(false), 0)[3], "102");
});

test("what rows show that is easily forgotten", () => {
  const wide = (kind: KindDefinition, object: Any, name: string): unknown =>
    kind.columns.find((column) => column.name === name)?.cell(object, 0);
  const nodeInfo = { kernelVersion: "6.1", architecture: "amd64" };
  assert.equal(wide(kindOf("nodes"), { status: { nodeInfo } }, "Kernel-Version"), "6.1 (amd64)");
  assert.equal(wide(kindOf("resourceslices", "resource.k8s.io"), { spec: {} }, "Node"), "");
  const levels = kindOf("prioritylevelconfigurations", "flowcontrol.apiserver.k8s.io");
  const exempt = { spec: { type: "Exempt", exempt: { nominalConcurrencyShares: 0 } } };
  assert.equal(wide(levels, exempt, "NominalConcurrencyShares"), "<none>");
  const bindings = kindOf("validatingadmissionpolicybindings", "admissionregistration.k8s.io");
  const bound = (paramRef: Any): unknown => wide(bindings, { spec: { paramRef } }, "ParamRef");
  assert.equal(bound(undefined), "<unset>");
  assert.equal(bound({ name: "n" }), "*/n");
  assert.equal(bound({ name: "n", namespace: "s" }), "s/n");
  const selector = {
    matchLabels: { b: "2", a: "1" },
    matchExpressions: [{ key: "k", operator: "In", values: ["v", "w"] }],
  };
  assert.equal(
    bound({ selector }),
    "&LabelSelector{MatchLabels:map[string]string{a: 1,b: 2,},MatchExpressions:[]LabelSelectorRequirement{LabelSelectorRequirement{Key:k,Operator:In,Values:[v w],},},}",
  );
});

test("an Ingress shows three hosts; behind them rules without a host are counted too", () => {
  const hosts = (...names: (string | undefined)[]): unknown =>
    row(
      kindOf("ingresses", "networking.k8s.io"),
      { spec: { rules: names.map((host) => ({ host })) } } as Any,
      0,
    )[2];
  assert.equal(hosts(), "*");
  assert.equal(hosts(undefined, "a.b"), "a.b");
  assert.equal(hosts("a.b", "c.d", undefined, "e.f"), "a.b,c.d,e.f");
  assert.equal(hosts("a.b", "c.d", "e.f", "g.h", undefined), "a.b,c.d,e.f + 2 more...");
});
