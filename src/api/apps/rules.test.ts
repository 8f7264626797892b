import assert from "node:assert/strict";
import { test } from "node:test";
import type { FieldError } from "../definition.ts";
import type { Deployment, StatefulSet } from "../generated/types.ts";
import { findKind } from "../kinds.ts";
import type { KubeObject } from "../meta.ts";
import { validateDeployment, validateStatefulSet, validateStatefulSetUpdate } from "./rules.ts";
import { validateDeploymentStatus, validateStatefulSetStatus } from "./status-rules.ts";

const template = {
  metadata: { labels: { a: "b" } },
  spec: {
    containers: [{ name: "c", image: "i", imagePullPolicy: "Always", terminationMessagePolicy: "File" }],
    restartPolicy: "Always",
    dnsPolicy: "ClusterFirst",
    terminationGracePeriodSeconds: 30,
  },
};
const selector = { matchLabels: { a: "b" } };
const fields = (errors: readonly FieldError[]): string[] => errors.map(({ field }) => field);

const statefulSet = (spec: object): StatefulSet => ({
  spec: {
    selector,
    template,
    podManagementPolicy: "Parallel",
    updateStrategy: { type: "OnDelete" },
    ...spec,
  } as StatefulSet["spec"],
});

test("a selector that cannot be read is shown whole, and the template is not held against it", () => {
  const deployment: Deployment = {
    spec: {
      selector: { matchExpressions: [{ key: "a" } as { key: string; operator: string }] },
      strategy: { type: "Recreate" },
      template: {},
    },
  };
  const errors = validateDeployment(deployment);
  assert.deepEqual(fields(errors), ["spec.selector.matchExpressions[0].operator", "spec.selector"]);
  assert.equal(
    errors[1]?.message,
    'Invalid value: {"matchExpressions":[{"key":"a","operator":""}]}: invalid label selector',
  );
});

test("claims of a StatefulSet are judged when it is new, and are the volumes of its pods", () => {
  const claim = { metadata: { name: "data" }, spec: {} };
  const mounts = [{ name: "data", mountPath: "/d" }];
  const containers = [{ ...template.spec.containers[0], volumeMounts: mounts }];
  const set = statefulSet({
    volumeClaimTemplates: [claim],
    template: { ...template, spec: { ...template.spec, containers } },
  });
  assert.deepEqual(fields(validateStatefulSet(set)), [
    "spec.volumeClaimTemplates[0].spec.accessModes",
    "spec.volumeClaimTemplates[0].spec.resources[storage]",
  ]);
  assert.deepEqual(validateStatefulSetUpdate(set, set), []);
});

test("an unknown way to manage pods is shown as JSON", () => {
  const [error] = validateStatefulSet(statefulSet({ podManagementPolicy: "a\u0001<" }));
  assert.equal(error?.message, "Invalid value: \"a\\u0001\\u003c\": must be 'OrderedReady' or 'Parallel'");
});

test("a template that was wrong before may stay wrong", () => {
  const wrong = statefulSet({ template: { ...template, spec: { ...template.spec, dnsPolicy: "No" } } });
  assert.deepEqual(fields(validateStatefulSet(wrong)), ["spec.template.spec.dnsPolicy"]);
  assert.deepEqual(validateStatefulSetUpdate(wrong, wrong), []);
  assert.deepEqual(fields(validateStatefulSetUpdate(wrong, statefulSet({}))), [
    "spec.template.spec.dnsPolicy",
  ]);
});

test("counts in a status fit each other, and collisions are never fewer", () => {
  const status = { replicas: 2, readyReplicas: 3, availableReplicas: -1, collisionCount: 1 };
  assert.deepEqual(fields(validateDeploymentStatus({ status }, { status: { collisionCount: 2 } })), [
    "status.availableReplicas",
    "status.readyReplicas",
    "status.collisionCount",
  ]);
  const before = { replicas: 1, collisionCount: 0 };
  assert.deepEqual(fields(validateStatefulSetStatus({ status: { replicas: 1 } }, { status: before })), [
    "status.collisionCount",
  ]);
});

test("the generation of a DaemonSet's template is counted by the server alone", () => {
  const kind = findKind("apps", "v1", "daemonsets");
  const name = "deprecated.daemonset.template.generation";
  const set = (given: string, image: string): KubeObject => ({
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: { name: "d", annotations: { [name]: given } },
    ...{ spec: { template: { spec: { containers: [{ name: "c", image }] } } } },
  });
  const annotation = ({ metadata }: KubeObject): unknown => metadata?.annotations?.[name];
  assert.match(kind?.conform?.(set("x", "i")).problem ?? "", /strconv.ParseInt: parsing "x": invalid syntax/);
  assert.equal(kind?.conform?.(set("12", "i")).problem, undefined);
  const made = set("-3", "i");
  kind?.strategy.prepareForCreate?.(made);
  assert.equal(annotation(made), "1");
  const same = set("9", "i");
  kind?.strategy.prepareForUpdate?.(same, made);
  assert.equal(annotation(same), "1");
  const other = set("9", "j");
  kind?.strategy.prepareForUpdate?.(other, made);
  assert.equal(annotation(other), "2");
});

test("a DaemonSet that waits for deletions keeps what it was given for rolling updates, and the rest is zero", () => {
  const set = {
    spec: { updateStrategy: { type: "OnDelete", rollingUpdate: { maxSurge: 1 } } },
  } as unknown as KubeObject & { spec: { updateStrategy: { rollingUpdate: object } } };
  findKind("apps", "v1", "daemonsets")?.defaults?.(set);
  assert.deepEqual(set.spec.updateStrategy.rollingUpdate, { maxSurge: 1, maxUnavailable: 0 });
});

test("a ReplicationController without selector has no template that does not match it", () => {
  const controller = {
    metadata: { name: "a", namespace: "b" },
    spec: { replicas: 1, template: { spec: template.spec } },
  };
  const found =
    findKind("", "v1", "replicationcontrollers")?.strategy.validate?.(controller as KubeObject) ?? [];
  assert.deepEqual(fields(found), ["spec.selector"]);
});

test("the class that is taken for others says so in its row", () => {
  const name = findKind("networking.k8s.io", "v1", "ingressclasses")?.columns?.[0];
  const named = (value: string) =>
    name?.cell(
      {
        metadata: { name: "c", annotations: { "ingressclass.kubernetes.io/is-default-class": value } },
      } as unknown as KubeObject,
      0,
    );
  assert.deepEqual([named("true"), named("false")], ["c (default)", "c"]);
});
