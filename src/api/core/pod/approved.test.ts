import assert from "node:assert/strict";
import { test } from "node:test";
import { noteEmptied } from "../../../machinery/index.ts";
import type { Pod } from "../../generated/types.ts";
import { validatePod } from "./spec.ts";
import { podWarnings } from "./warnings.ts";

/** A pod in order, as admission leaves it, with the token volume of this name. */
const pod = (token: string, more: object = {}, name = "p"): Pod => ({
  metadata: { name },
  spec: {
    terminationGracePeriodSeconds: 30,
    restartPolicy: "Always",
    dnsPolicy: "ClusterFirst",
    serviceAccountName: "default",
    volumes: [{ name: token, emptyDir: {} }],
    containers: [
      {
        name: "c",
        image: "i",
        imagePullPolicy: "Always",
        terminationMessagePolicy: "File",
        volumeMounts: [{ name: token, mountPath: "/var/run" }],
      },
    ],
    ...more,
  },
});

const fields = (of: Pod, old?: Pod): string[] => validatePod(of, old).map(({ field }) => field);

test("pods that differ in their token's name are judged alike", () => {
  assert.deepEqual(fields(pod("kube-api-access-aaaaa")), []);
  assert.deepEqual(fields(pod("kube-api-access-bbbbb")), []);
});

test("a mistake is found however many like it were in order", () => {
  for (const token of ["kube-api-access-aaaaa", "kube-api-access-bbbbb"]) {
    assert.deepEqual(fields(pod(token)), []);
    assert.deepEqual(fields(pod(token, { restartPolicy: "Sometimes" })), ["spec.restartPolicy"]);
  }
  assert.deepEqual(fields(pod("kube-api-access-WRONG")), [
    "spec.volumes[0].name",
    "spec.containers[0].volumeMounts[0].name",
  ]);
  const volumes = (...names: string[]) => ({
    volumes: names.map((name) => ({ name, emptyDir: {} })),
    containers: pod("kube-api-access-aaaaa").spec?.containers,
  });
  assert.deepEqual(fields(pod("", volumes("kube-api-access-aaaaa", "kube-api-access-bbbbb"))), []);
  assert.deepEqual(fields(pod("", volumes("kube-api-access-aaaaa", "kube-api-access-aaaaa"))), [
    "spec.volumes[1].name",
  ]);
  assert.deepEqual(fields(pod("", volumes("kube-api-access-bbbbb"))), [
    "spec.containers[0].volumeMounts[0].name",
  ]);
});

test("annotations count that mean something", () => {
  const annotated = (annotations: Record<string, string>): Pod => {
    const of = pod("kube-api-access-aaaaa");
    return { ...of, metadata: { name: "p", annotations } };
  };
  for (let i = 0; i < 2; i++) {
    assert.deepEqual(fields(annotated({ note: String(i) })), []);
    assert.deepEqual(fields(annotated({ "controller.kubernetes.io/pod-deletion-cost": String(i) })), []);
    const wrong = annotated({ "controller.kubernetes.io/pod-deletion-cost": "much" });
    assert.deepEqual(fields(wrong), ["metadata.annotations[controller.kubernetes.io/pod-deletion-cost]"]);
  }
});

test("what hangs on the pod's name is looked at each time", () => {
  const claim = {
    volumeClaimTemplate: {
      spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1" } } },
    },
  };
  const made = {
    volumes: [{ name: "v", ephemeral: claim }],
    containers: [{ ...pod("").spec?.containers[0], volumeMounts: [] }],
  };
  assert.deepEqual(fields(pod("", made, "short")), []);
  assert.deepEqual(fields(pod("", made, "x".repeat(253))), ["spec.volumes[0].name"]);
});

test("what ephemeral containers have dropped is looked at each time", () => {
  const withOne = (more: object): Pod => pod("", { volumes: [], ephemeralContainers: [more] });
  const plain = { name: "e", image: "i", imagePullPolicy: "Always", terminationMessagePolicy: "File" };
  const noted = { ...plain };
  noteEmptied(noted, "resizePolicy");
  const found = fields(withOne(noted));
  assert.ok(found.includes("spec.ephemeralContainers[0].resizePolicy"));
  fields(withOne(plain));
  assert.deepEqual(fields(withOne(noted)), found);
});

test("a change may keep a mistake, a new pod may not have it", () => {
  const term = { matchExpressions: [{ key: "a", operator: "In", values: ["not a label!"] }] };
  const affinity = {
    nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [term] } },
  };
  const bad = pod("v", { affinity });
  assert.notDeepEqual(fields(bad), []);
  assert.deepEqual(fields(bad, bad), []);
  assert.notDeepEqual(fields(bad), []);
  assert.notDeepEqual(fields(bad, pod("v")), []);
});

test("warnings of one pod are told of the next, but for its names", () => {
  const old = { nodeSelector: { "beta.kubernetes.io/os": "linux" } };
  const warned = (name: string): string[] => {
    const each = pod("kube-api-access-aaaaa", old, name);
    assert.deepEqual(validatePod(each), []);
    return podWarnings(each);
  };
  const [first] = warned("one");
  assert.match(first ?? "", /beta.kubernetes.io/);
  assert.deepEqual(warned("two"), [first]);
  assert.equal(warned("a.b").length, 2);

  for (const token of ["kube-api-access-aaaaa", "kube-api-access-bbbbb"]) {
    const volumes = [
      { name: token, emptyDir: {} },
      { name: "rest", hostPath: { path: "/" } },
    ];
    const containers = [
      {
        ...pod(token).spec?.containers[0],
        ports: [
          { containerPort: 80, protocol: "TCP", name: token.slice(-5) },
          { containerPort: 80, protocol: "TCP" },
        ],
      },
    ];
    const each = pod(token, { volumes, containers });
    assert.deepEqual(validatePod(each), []);
    assert.equal(podWarnings(each).length, 1);
  }
});
