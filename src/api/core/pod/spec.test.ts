import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pod, PodSpec } from "../../generated/types.ts";
import { noteEmptied } from "../../../machinery/index.ts";
import { defaultPod } from "./defaults.ts";
import { imageTag } from "./image.ts";
import { prepareNewPod } from "./prepare.ts";
import { validatePod } from "./spec.ts";

/** Mistakes of a pod whose defaults are filled in, as `field: message`. */
function mistakes(spec: Record<string, unknown>, annotations?: Record<string, string>): string[] {
  const pod = {
    metadata: { name: "p", ...(annotations ? { annotations } : {}) },
    spec: { containers: [{ name: "c", image: "i" }], ...spec },
  } as unknown as Pod;
  defaultPod(pod);
  return validatePod(pod).map(({ field, message }) => `${field}: ${message}`);
}

test("a second volume type is refused, in the order in which they are looked at", () => {
  assert.deepEqual(
    mistakes({ volumes: [{ name: "v", csi: { driver: "d" }, emptyDir: {}, cephfs: { monitors: ["m"] } }] }),
    [
      "spec.volumes[0].cephFS: Forbidden: may not specify more than 1 volume type",
      "spec.volumes[0].csi: Forbidden: may not specify more than 1 volume type",
    ],
  );
});

test("an ephemeral container may not even have an empty list of what it cannot have", () => {
  const ephemeral = (more: object): string[] =>
    mistakes({ ephemeralContainers: [{ name: "e", image: "i", ...more }] });
  const told = (field: string): string =>
    `spec.ephemeralContainers[0].${field}: Forbidden: cannot be set for an Ephemeral Container`;
  assert.deepEqual(ephemeral({ resources: {}, env: [] }), []);
  assert.deepEqual(ephemeral({ ports: [], resizePolicy: [], lifecycle: {} }), [
    told("ports"),
    told("resizePolicy"),
    told("lifecycle"),
  ]);
  assert.deepEqual(ephemeral({ resources: { limits: {} } }), [told("resources")]);
  // As they are once a request has been read: empty lists are gone, and known to have been there.
  const resources = {};
  noteEmptied(resources, "limits");
  const read = { resources };
  noteEmptied(read, "resizePolicy");
  const errors = mistakes({ ephemeralContainers: [Object.assign(read, { name: "e", image: "i" })] });
  assert.deepEqual(errors, [told("resources"), told("resizePolicy")]);
});

test("what is wrong with a static pod as a whole has Go's path of an empty name", () => {
  assert.deepEqual(
    mistakes(
      { nodeName: "n", resourceClaims: [{ name: "c", resourceClaimName: "d" }] },
      { "kubernetes.io/config.mirror": "x" },
    ).filter((each) => each.includes("static")),
    ["[]: Forbidden: static pods do not support resource claims"],
  );
});

test("only a volume that is in order can be mounted, and a device has to be a claim", () => {
  const volumes = [
    { name: "v", nfs: { server: "s" } },
    { name: "e", emptyDir: {} },
  ];
  const containers = [
    {
      name: "c",
      image: "i",
      volumeMounts: [{ name: "v", mountPath: "/m", subPath: "../x" }],
      volumeDevices: [{ name: "e", devicePath: "/dev/x" }],
    },
  ];
  assert.deepEqual(mistakes({ volumes, containers }), [
    "spec.volumes[0].nfs.path: Required value",
    'spec.volumes[0].nfs.path: Invalid value: "": must be an absolute path',
    'spec.containers[0].volumeMounts[0].name: Not found: "v"',
    "spec.containers[0].volumeMounts.subPath: Invalid value: \"../x\": must not contain '..'",
    'spec.containers[0].volumeDevices[0].name: Invalid value: "e": can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode',
  ]);
});

test("projected volumes do not write a file twice", () => {
  const items = [{ key: "k", path: "p" }];
  const sources = [{ secret: { name: "s", items } }, { configMap: { name: "m", items } }];
  assert.deepEqual(mistakes({ volumes: [{ name: "v", projected: { sources } }] }), [
    'spec.volumes[0].projected: Invalid value: "m": conflicting duplicate paths',
  ]);
});

test("Windows has no Linux fields, and users of Windows are spelled as there", () => {
  const securityContext = { fsGroup: 1, windowsOptions: { runAsUserName: "a\\b\\c" } };
  assert.deepEqual(mistakes({ os: { name: "windows" }, hostPID: true, securityContext }), [
    'spec.securityContext.windowsOptions.runAsUserName: Invalid value: "a\\\\b\\\\c": runAsUserName cannot contain more than one backslash',
    "spec.hostPID: Forbidden: cannot be set for a windows pod",
    "spec.securityContext.fsGroup: Forbidden: cannot be set for a windows pod",
  ]);
});

test("annotations that mean something are looked at", () => {
  const key = "controller.kubernetes.io/pod-deletion-cost";
  assert.deepEqual(mistakes({}, { [key]: "+1" }), [
    `metadata.annotations[${key}]: Invalid value: "+1": must be a 32bit integer`,
  ]);
});

test("a pod asks for no less than its containers do", () => {
  const containers = [{ name: "c", image: "i", resources: { requests: { cpu: "3" } } }];
  const initContainers = [
    { name: "s", image: "i", restartPolicy: "Always", resources: { requests: { cpu: "1" } } },
    { name: "n", image: "i", resources: { requests: { cpu: "5" } } },
  ];
  assert.deepEqual(mistakes({ containers, initContainers, resources: { requests: { cpu: "4" } } }), [
    'spec.resources.requests[cpu]: Invalid value: "4": must be greater than or equal to aggregate container requests of 6',
  ]);
});

test("labels under the keys become part of selectors; gates are told in the status", () => {
  const spec = {
    containers: [{ name: "c", image: "i" }],
    schedulingGates: [{ name: "a/b" }],
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: "z",
        whenUnsatisfiable: "DoNotSchedule",
        labelSelector: {},
        matchLabelKeys: ["k", "n"],
      },
    ],
  } as unknown as PodSpec;
  const creationTimestamp = "2026-01-01T00:00:00Z";
  const pod: Pod = { metadata: { name: "p", labels: { k: "v" }, creationTimestamp }, spec };
  prepareNewPod(pod);
  assert.deepEqual(pod.spec?.topologySpreadConstraints?.[0]?.labelSelector, {
    matchExpressions: [{ key: "k", operator: "In", values: ["v"] }],
  });
  assert.equal(pod.status?.conditions?.[0]?.reason, "SchedulingGated");
  assert.equal(pod.status?.conditions?.[0]?.lastTransitionTime, creationTimestamp);
});

test("tags of images: latest without one, none for what is no name", () => {
  assert.deepEqual(
    [
      "a",
      "a:1",
      "r.io:5/a/b",
      "Bad",
      "a b",
      `a@sha256:${"0".repeat(64)}`,
      `a:1@sha256:${"0".repeat(64)}`,
    ].map(imageTag),
    ["latest", "1", "latest", "", "", "", "1"],
  );
});
