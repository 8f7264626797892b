import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubeObject, Pod } from "../../api/index.ts";
import { unready, type View } from "./readiness.ts";

const labels = { app: "web" };
const deployment = (status: object): KubeObject =>
  ({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web", namespace: "default", generation: 2 },
    spec: { replicas: 2, selector: { matchLabels: labels } },
    status,
  }) as KubeObject;

const pod = (status: object): Pod =>
  ({ metadata: { name: "web-1", namespace: "default", labels }, status }) as Pod;

const view = (object: KubeObject | undefined, pods: Pod[] = [], more: Partial<View> = {}): View => ({
  pods,
  endpointSlices: [],
  reachable: true,
  current: () => object,
  ...more,
});

const judge = (object: KubeObject, pods: Pod[] = [], more: Partial<View> = {}) =>
  unready([object], view(object, pods, more));

const well = { observedGeneration: 2, replicas: 2, updatedReplicas: 2, availableReplicas: 2 };

test("a deployment is ready when its newest generation was seen and all its pods are available", () => {
  assert.deepEqual(judge(deployment(well)), []);
  assert.equal(judge(deployment({ ...well, observedGeneration: 1 })).length, 1);
  assert.equal(judge(deployment({ ...well, replicas: 3 })).length, 1);
  assert.match(judge(deployment({ ...well, availableReplicas: 1 }))[0]?.why ?? "", /1 of 2 pods are ready/);
});

test("the reason is that of the pod, and says whether waiting helps", () => {
  const waiting = (reason: string, message: string, more: object = {}) =>
    pod({ containerStatuses: [{ name: "c", state: { waiting: { reason, message } }, ...more }] });
  const [pull] = judge(deployment({}), [waiting("ImagePullBackOff", "there is no image web:2")]);
  assert.deepEqual(pull, {
    what: "deployment.apps/web",
    why: "pod web-1, container c: ImagePullBackOff: there is no image web:2",
    final: true,
    pod: { namespace: "default", name: "web-1" },
  });
  const [crash] = judge(deployment({}), [
    waiting("CrashLoopBackOff", "back-off", { lastState: { terminated: { exitCode: 3, reason: "Error" } } }),
  ]);
  assert.equal(crash?.final, false);
  assert.match(crash?.why ?? "", /it ended with exit code 3, Error/);
  const [pending] = judge(deployment({}), [
    pod({
      phase: "Pending",
      conditions: [{ type: "PodScheduled", status: "False", message: "0/1 nodes are available" }],
    }),
  ]);
  assert.match(pending?.why ?? "", /cannot be placed: 0\/1 nodes/);
});

test("a service needs a ready endpoint, and an address when it is balanced", () => {
  const service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web", namespace: "default" },
    spec: { type: "LoadBalancer", selector: labels },
  } as KubeObject;
  const slice = (ready: boolean) =>
    ({
      metadata: { namespace: "default", labels: { "kubernetes.io/service-name": "web" } },
      endpoints: [{ addresses: ["10.0.0.1"], conditions: { ready } }],
    }) as never;
  assert.match(judge(service, [], { endpointSlices: [slice(false)] })[0]?.why ?? "", /no ready pod/);
  assert.match(judge(service, [], { endpointSlices: [slice(true)] })[0]?.why ?? "", /no external address/);
  assert.deepEqual(judge(service, [], { endpointSlices: [slice(true)], reachable: false }), []);
});

test("what is gone is said so", () => {
  assert.deepEqual(unready([deployment({})], view(undefined)), [
    { what: "deployment.apps/web", why: "it is gone", final: true },
  ]);
});
