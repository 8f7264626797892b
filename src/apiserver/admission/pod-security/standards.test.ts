import assert from "node:assert/strict";
import { test } from "node:test";
import type { ObjectMeta, PodSpec } from "../../../api/index.ts";
import { subjectOf } from "./check.ts";
import { type Level, policyOf, showLevel } from "./policy.ts";
import { showDetails, violations } from "./standards.ts";

const latest = Number.POSITIVE_INFINITY;

const said = (level: Level, spec: object, minor = latest, metadata: ObjectMeta = {}): string =>
  showDetails(violations({ level, minor }, subjectOf(metadata, spec as PodSpec)));

const box = (securityContext: object = {}, more: object = {}, name = "c") => ({
  name,
  image: "i",
  securityContext,
  ...more,
});
/** Satisfies the restricted level. */
const strict = {
  allowPrivilegeEscalation: false,
  runAsNonRoot: true,
  capabilities: { drop: ["ALL"] },
  seccompProfile: { type: "RuntimeDefault" },
};
const withBox = (securityContext: object, more: object = {}) => ({
  containers: [box(securityContext, more)],
});

test("a careful pod pleases every level and version", () => {
  for (let minor = 0; minor < 40; minor++) {
    for (const level of ["privileged", "baseline", "restricted"] as const) {
      assert.equal(said(level, withBox(strict), minor), "", `${level} ${minor}`);
    }
  }
});

/** Control, violation, message. */
const baseline: [string, object, string, ObjectMeta?][] = [
  [
    "appArmorProfile",
    {
      ...withBox({ appArmorProfile: { type: "Unconfined" } }),
      securityContext: { appArmorProfile: { type: "Odd" } },
    },
    'forbidden AppArmor profiles (pod and container "c" must not set AppArmor profile type to "Odd", "Unconfined")',
  ],
  [
    "appArmorProfile by annotation",
    withBox({}),
    'forbidden AppArmor profile (annotation must not set AppArmor profile type to "container.apparmor.security.beta.kubernetes.io/c="unconfined"")',
    { annotations: { "container.apparmor.security.beta.kubernetes.io/c": "unconfined" } },
  ],
  [
    "capabilities",
    {
      containers: [
        box({ capabilities: { add: ["SYS_TIME", "CHOWN"] } }),
        box({ capabilities: { add: ["BPF"] } }, {}, "d"),
      ],
    },
    'non-default capabilities (containers "c", "d" must not include "BPF", "SYS_TIME" in securityContext.capabilities.add)',
  ],
  [
    "hostNamespaces",
    { ...withBox({}), hostNetwork: true, hostIPC: true },
    "host namespaces (hostNetwork=true, hostIPC=true)",
  ],
  [
    "hostPathVolumes",
    { ...withBox({}), volumes: [{ name: "a", hostPath: { path: "/" } }] },
    'hostPath volumes (volume "a")',
  ],
  [
    "hostPorts",
    withBox({}, { ports: [{ hostPort: 80 }, { hostPort: 443 }] }),
    'hostPort (container "c" uses hostPorts 443, 80)',
  ],
  [
    "hostProbes",
    withBox(
      {},
      { livenessProbe: { httpGet: { host: "a" } }, lifecycle: { preStop: { tcpSocket: { host: "b" } } } },
    ),
    'probe or lifecycle host (container "c" uses probe or lifecycle hosts "a", "b")',
  ],
  [
    "privileged",
    withBox({ privileged: true }),
    'privileged (container "c" must not set securityContext.privileged=true)',
  ],
  [
    "procMount",
    withBox({ procMount: "Unmasked" }),
    'procMount (container "c" must not set securityContext.procMount to "Unmasked")',
  ],
  [
    "seLinuxOptions",
    {
      ...withBox({ seLinuxOptions: { type: "spc_t" } }),
      securityContext: { seLinuxOptions: { user: "u", role: "r" } },
    },
    'seLinuxOptions (pod and container "c" set forbidden securityContext.seLinuxOptions: type "spc_t"; user may not be set; role may not be set)',
  ],
  [
    "seccompProfile",
    withBox({ seccompProfile: { type: "Unconfined" } }),
    'seccompProfile (container "c" must not set securityContext.seccompProfile.type to "Unconfined")',
  ],
  [
    "sysctls",
    {
      ...withBox({}),
      securityContext: {
        sysctls: [
          { name: "kernel.msgmax", value: "1" },
          { name: "net.ipv4.tcp_rmem", value: "1" },
        ],
      },
    },
    "forbidden sysctls (kernel.msgmax)",
  ],
  [
    "windowsHostProcess",
    { ...withBox({}), securityContext: { windowsOptions: { hostProcess: true } } },
    "hostProcess (pod must not set securityContext.windowsOptions.hostProcess=true)",
  ],
];

for (const [name, spec, message, metadata] of baseline) {
  test(`baseline refuses ${name}`, () => {
    assert.equal(said("baseline", spec, latest, metadata), message);
    assert.equal(said("privileged", spec, latest, metadata), "");
  });
}

test("restricted asks for what a pod must say, all at once", () => {
  assert.equal(
    said("restricted", {
      ...withBox({}),
      volumes: [
        { name: "n", nfs: {} },
        { name: "h", hostPath: {} },
        { name: "e", emptyDir: {} },
      ],
    }),
    'allowPrivilegeEscalation != false (container "c" must set securityContext.allowPrivilegeEscalation=false), ' +
      'unrestricted capabilities (container "c" must set securityContext.capabilities.drop=["ALL"]), ' +
      'restricted volume types (volumes "n", "h" use restricted volume types "hostPath", "nfs"), ' +
      'runAsNonRoot != true (pod or container "c" must set securityContext.runAsNonRoot=true), ' +
      'seccompProfile (pod or container "c" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
  );
  assert.equal(
    said("restricted", {
      securityContext: { runAsUser: 0, runAsNonRoot: false },
      containers: [
        box({ ...strict, runAsUser: 0, capabilities: { drop: ["ALL"], add: ["CHOWN", "NET_BIND_SERVICE"] } }),
      ],
    }),
    'unrestricted capabilities (container "c" must not include "CHOWN" in securityContext.capabilities.add), ' +
      "runAsNonRoot != true (pod must not set securityContext.runAsNonRoot=false), " +
      'runAsUser=0 (pod and container "c" must not set runAsUser=0)',
  );
});

test("versions bring what they brought", () => {
  const asks = (spec: object, minor: number, level: Level = "restricted") => said(level, spec, minor) !== "";
  const without = (field: string) =>
    withBox(Object.fromEntries(Object.entries(strict).filter(([key]) => key !== field)));
  assert.deepEqual(
    [asks(without("allowPrivilegeEscalation"), 7), asks(without("allowPrivilegeEscalation"), 8)],
    [false, true],
  );
  assert.deepEqual([asks(without("capabilities"), 21), asks(without("capabilities"), 22)], [false, true]);
  assert.deepEqual([asks(without("seccompProfile"), 18), asks(without("seccompProfile"), 19)], [false, true]);
  const root = withBox({ ...strict, runAsUser: 0 });
  assert.deepEqual([asks(root, 22), asks(root, 23)], [false, true]);
  const guest = { ...withBox({ ...strict, runAsUser: 0, runAsNonRoot: false }), hostUsers: false };
  assert.deepEqual([asks(guest, 34), asks(guest, 35)], [true, false]);
  const unmasked = { ...withBox({ procMount: "Unmasked" }), hostUsers: false };
  assert.deepEqual([asks(unmasked, 34, "baseline"), asks(unmasked, 35, "baseline")], [true, false]);
  assert.match(said("restricted", unmasked, 35), /procMount \(container "c"/);
  const windows = { ...withBox({ runAsNonRoot: true }), os: { name: "windows" } };
  assert.deepEqual([asks(windows, 24), asks(windows, 25)], [true, false]);
  const engine = withBox({ seLinuxOptions: { type: "container_engine_t" } });
  assert.deepEqual([asks(engine, 30, "baseline"), asks(engine, 31, "baseline")], [true, false]);
  const sysctl = (name: string) => ({ ...withBox({}), securityContext: { sysctls: [{ name }] } });
  for (const [name, minor] of [
    ["net.ipv4.ip_local_reserved_ports", 27],
    ["net.ipv4.tcp_fin_timeout", 29],
    ["net.ipv4.tcp_wmem", 32],
  ] as const) {
    assert.deepEqual(
      [asks(sysctl(name), minor - 1, "baseline"), asks(sysctl(name), minor, "baseline")],
      [true, false],
    );
  }
  const probe = withBox({}, { startupProbe: { httpGet: { host: "h" } } });
  assert.deepEqual([asks(probe, 33, "baseline"), asks(probe, 34, "baseline")], [false, true]);
  const annotated = { annotations: { "seccomp.security.alpha.kubernetes.io/pod": "unconfined" } };
  assert.match(
    said("baseline", withBox({}), 18, annotated),
    /^seccompProfile \(forbidden annotation seccomp/,
  );
  assert.equal(said("baseline", withBox({}), 19, annotated), "");
});

test("labels make a policy; what is unreadable enforces the strictest and warns of nothing", () => {
  const prefix = "pod-security.kubernetes.io/";
  const read = (labels: Record<string, string>) => {
    const { enforce, audit, warn, errors } = policyOf(
      Object.fromEntries(Object.entries(labels).map(([key, value]) => [prefix + key, value])),
    );
    return [
      showLevel(enforce),
      showLevel(audit),
      showLevel(warn),
      ...errors.map((each) => `${each.field}: ${each.message}`),
    ];
  };
  assert.deepEqual(read({}), ["privileged:latest", "privileged:latest", "privileged:latest"]);
  assert.deepEqual(read({ enforce: "baseline", "enforce-version": "v1.30" }), [
    "baseline:v1.30",
    "privileged:latest",
    "baseline:v1.30",
  ]);
  assert.deepEqual(read({ enforce: "baseline", warn: "privileged", audit: "restricted" }), [
    "baseline:latest",
    "restricted:latest",
    "privileged:latest",
  ]);
  assert.deepEqual(read({ enforce: "tight", warn: "loose", "audit-version": "1.2" }), [
    "restricted:latest",
    "privileged:latest",
    "privileged:latest",
    `metadata.labels[${prefix}enforce]: Invalid value: "tight": must be one of privileged, baseline, restricted`,
    `metadata.labels[${prefix}audit-version]: Invalid value: "1.2": must be "latest" or "v1.x"`,
    `metadata.labels[${prefix}warn]: Invalid value: "loose": must be one of privileged, baseline, restricted`,
  ]);
});
