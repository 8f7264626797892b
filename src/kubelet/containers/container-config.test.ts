import assert from "node:assert/strict";
import { test } from "node:test";
import type { Container, Pod, PodSpec } from "../../api/index.ts";
import { containerConfig, effectiveSubPath } from "./container-config.ts";
import { containerResources, podCgroup, podResources } from "./resources.ts";
import { containerSecurityContext } from "./security.ts";

const image = { id: "sha256:1", repoTags: [], repoDigests: [], size: 1, pinned: false, uid: 0 };
const pod = (spec: Partial<PodSpec>): Pod => ({
  metadata: { name: "p", namespace: "d", uid: "u" },
  spec: spec as PodSpec,
});
const web = (more: Partial<Container>): Container => ({ name: "web", image: "w:1", ...more });

test("cgroup values", () => {
  const gib = 2 ** 30;
  const c = web({
    resources: { requests: { cpu: "250m", memory: "1Gi" }, limits: { cpu: "500m", memory: "2Gi" } },
  });
  const p = pod({ containers: [c] });
  assert.deepEqual(containerResources(p, c, 10 * gib), {
    cpuShares: 256,
    cpuPeriod: 100_000,
    cpuQuota: 50_000,
    memoryLimitInBytes: 2 * gib,
    oomScoreAdj: 900,
  });
  assert.equal(podCgroup(p), "kubepods/burstable/podu");
  assert.deepEqual(podResources(p), {
    cpuShares: 256,
    cpuPeriod: 100_000,
    cpuQuota: 50_000,
    memoryLimitInBytes: 2 * gib,
  });
  const plain = web({});
  assert.deepEqual(containerResources(pod({ containers: [plain] }), plain, gib), {
    cpuShares: 2,
    oomScoreAdj: 1000,
  });
  assert.deepEqual(
    podResources(pod({ containers: [c, plain] })),
    { cpuShares: 256 },
    "no limit for the pod without one for each",
  );
  const full = web({ resources: { limits: { cpu: "1", memory: "1Gi" } } });
  assert.equal(podCgroup(pod({ containers: [full] })), "kubepods/podu");
  assert.equal(containerResources(pod({ containers: [full] }), full, gib).oomScoreAdj, -997);
});

test("a container's own security settings win over the pod's", () => {
  const c = web({
    securityContext: {
      runAsUser: 7,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["ALL"], add: ["NET_ADMIN"] },
      readOnlyRootFilesystem: true,
    },
  });
  const p = pod({
    containers: [c],
    securityContext: {
      runAsUser: 1,
      runAsGroup: 2,
      fsGroup: 3,
      supplementalGroups: [4],
      seccompProfile: { type: "RuntimeDefault" },
    },
    shareProcessNamespace: true,
  });
  const context = containerSecurityContext(p, c, image, undefined);
  assert.equal(context.runAsUser, 7);
  assert.equal(context.runAsGroup, 2);
  assert.deepEqual(context.supplementalGroups, [4, 3]);
  assert.deepEqual(context.capabilities, { add: ["NET_ADMIN"], drop: ["ALL"] });
  assert.equal(context.noNewPrivs, true);
  assert.equal(context.readonlyRootfs, true);
  assert.equal(context.namespaceOptions.pid, "POD");
  assert.equal(context.seccomp.type, "RuntimeDefault");
  assert.ok(context.maskedPaths.includes("/proc/kcore"));
  assert.deepEqual(
    containerSecurityContext(p, web({ securityContext: { privileged: true } }), image, undefined).maskedPaths,
    [],
  );
});

test("runAsNonRoot", () => {
  const p = pod({ containers: [], securityContext: { runAsNonRoot: true } });
  const check =
    (c: Container, i = image) =>
    () =>
      containerSecurityContext(p, c, i, undefined);
  assert.throws(
    check(web({})),
    /^ContainerStartError: container has runAsNonRoot and image will run as root \(pod: "p_d\(u\)", container: web\)$/,
  );
  assert.throws(
    check(web({ securityContext: { runAsUser: 0 } })),
    /container's runAsUser breaks non-root policy/,
  );
  const named = { ...image, uid: undefined, username: "bob" } as unknown as typeof image;
  assert.throws(check(web({}), named), /image has non-numeric user \(bob\), cannot verify user is non-root/);
  assert.doesNotThrow(check(web({}), { ...image, uid: 65534 }));
});

test("commands are expanded, runs are numbered", () => {
  const c = web({ command: ["sh", "-c", "echo $(NAME) $(OTHER)"], args: ["$$x"], tty: true });
  const config = containerConfig({
    pod: pod({ containers: [c] }),
    container: c,
    attempt: 3,
    image,
    env: new Map([["NAME", "n"]]),
    mounts: [],
    targetId: undefined,
    memoryCapacity: 1,
  });
  assert.deepEqual(config.command, ["sh", "-c", "echo n $(OTHER)"]);
  assert.deepEqual(config.args, ["$x"]);
  assert.equal(config.logPath, "web/3.log");
  assert.equal(config.labels["io.kubernetes.pod.uid"], "u");
  assert.equal(config.annotations["io.kubernetes.container.restartCount"], "3");
});

test("subPathExpr stays inside the volume", () => {
  const env = new Map([
    ["D", "a/b"],
    ["ABS", "/etc"],
    ["UP", "../x"],
  ]);
  const path = (subPathExpr: string) => () =>
    effectiveSubPath({ name: "v", mountPath: "/m", subPathExpr }, env);
  assert.equal(path("$(D)/c")(), "a/b/c");
  assert.throws(path("$(ABS)"), /absolute/);
  assert.throws(path("$(UP)"), /'\.\.'/);
  assert.throws(path("$(NONE)"), /missing value for "NONE"/);
});
