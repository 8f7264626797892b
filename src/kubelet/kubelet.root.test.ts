import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Pod } from "../api/index.ts";
import { removeCgroups } from "../cluster/teardown/cgroups.ts";
import { createContainerRuntime } from "../containers/index.ts";
import { binary, makeRootfs, runtimeOptions, skipReason } from "../containers/testing/test-runtime.ts";
import type { CniNetwork, Image } from "../cri/index.ts";
import { type Native, openNative } from "../linux/index.ts";
import { systemClock } from "../machinery/index.ts";
import { type ApiDouble, createApiDouble } from "../testing/index.ts";
import { createSimulatedImages } from "./simulated/simulated-images.ts";
import { isReady, startTestKubelet } from "./testing/test-kubelet.ts";
import { mountsBelow } from "./volumes/mount-table.ts";
import { nativeMounts } from "./volumes/native-mounts.ts";

/** Pods need an address to run; nobody talks to these. */
const addresses: CniNetwork = {
  add: async () => ({
    ips: [{ address: "10.213.9.2/32", gateway: "10.213.9.1" }],
    routes: [],
    interfaces: [],
  }),
  del: async () => undefined,
  check: async () => undefined,
  gc: async () => undefined,
  status: async () => ({ ready: true, reason: "", message: "" }),
};
const cgroupRoot = "/wherry-kubelet-test";
const box: Image = { id: "box", repoTags: ["box"], repoDigests: [], size: 1, uid: 0, pinned: false };

describe("the kubelet on real containers", { skip: skipReason() }, () => {
  let directory: string;
  let native: Native;
  let api: ApiDouble;
  let node: Awaited<ReturnType<typeof open>>;
  const images = { ...createSimulatedImages(), imageStatus: async () => box };

  async function open() {
    const runtime = await createContainerRuntime({
      ...runtimeOptions(directory),
      cgroupRoot,
      native,
      cni: addresses,
    });
    const mounts = nativeMounts(native);
    const kubelet = await startTestKubelet({ clock: systemClock, api, runtime, images, mounts, directory });
    return { ...kubelet, runtime };
  }
  const script = (text: string) => ({ image: "box", command: ["sh", "-c", text] });
  const state = (pod: Pod) => pod.status?.containerStatuses?.[0]?.state;
  const ended = async (name: string) => {
    const pod = await node.when(name, (p) => state(p)?.terminated !== undefined);
    return { ...state(pod)?.terminated, phase: pod.status?.phase };
  };
  const logOf = async (name: string): Promise<string> => {
    const uid = (await node.pod(name)).metadata?.uid ?? "";
    const text = readFileSync(join(directory, "logs", `default_${name}_${uid}`, "web/0.log"), "utf8");
    return text.replace(/^\S+ \S+ \S+ /gm, "");
  };
  const remove = async (name: string): Promise<void> => {
    await node.client.pods.delete("default", name, { gracePeriodSeconds: 1 });
    await node.until(async () => (await node.pod(name).catch(() => undefined)) === undefined);
  };

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), "wherry-kubelet-root-"));
    makeRootfs(join(directory, "layer"));
    native = await openNative(binary, { runDir: directory });
    api = createApiDouble(systemClock);
    node = await open();
  });
  after(async () => {
    for (const pod of (await node.client.pods.list()).items) await remove(pod.metadata?.name ?? "");
    await node.until(async () => (await node.runtime.listPodSandbox()).length === 0);
    await node.halt();
    await node.runtime.close();
    for (const point of await mountsBelow(directory)) await native.umount(point, { detach: true });
    await native.close();
    rmSync(directory, { recursive: true, force: true });
    // A cluster's `down` removes what is above its pods' cgroups; here there is no cluster.
    assert.deepEqual(await removeCgroups(cgroupRoot), []);
  });

  it("gives a container its variables, files, user and limits", async () => {
    await node.client.configMaps.create("default", { metadata: { name: "conf" }, data: { key: "value" } });
    await node.create(
      "one",
      {
        restartPolicy: "Never",
        hostname: "boat",
        securityContext: { runAsUser: 1000, fsGroup: 2000 },
        volumes: [
          { name: "conf", configMap: { name: "conf", defaultMode: 0o400 } },
          { name: "scratch", emptyDir: { medium: "Memory", sizeLimit: "1Mi" } },
        ],
      },
      {
        ...script(
          `echo $FROM $(hostname) $(cat /conf/key /key); stat -c '%a %g' /conf/..data/key /scratch; id -G;
           head -1 /etc/hosts; grep -c ' /scratch tmpfs' /proc/mounts; echo -n last > /dev/termination-log; exit 3`,
        ),
        env: [{ name: "FROM", valueFrom: { configMapKeyRef: { name: "conf", key: "key" } } }],
        resources: { limits: { cpu: "500m", memory: "64Mi" } },
        volumeMounts: [
          { name: "conf", mountPath: "/conf" },
          { name: "conf", mountPath: "/key", subPath: "key" },
          { name: "scratch", mountPath: "/scratch" },
        ],
      },
    );
    const end = await ended("one");
    assert.deepEqual([end.exitCode, end.reason, end.message, end.phase], [3, "Error", "last", "Failed"]);
    assert.deepEqual((await logOf("one")).trim().split("\n"), [
      "value boat valuevalue",
      "440 2000",
      "2777 2000",
      "1000 1500 2000",
      "# Kubernetes-managed hosts file.",
      "1",
    ]);
    assert.equal((await node.pod("one")).status?.qosClass, "Guaranteed");
  });

  it("sees a container killed for its memory", async () => {
    const command = script("dd if=/dev/zero of=/dev/null bs=64M");
    await node.create(
      "greedy",
      { restartPolicy: "Never" },
      { ...command, resources: { limits: { memory: "16Mi" } } },
    );
    assert.equal((await ended("greedy")).reason, "OOMKilled");
  });

  it("stops gracefully: preStop, SIGTERM, and nothing is left", async () => {
    const hook = { exec: { command: ["sh", "-c", "echo hook > /proc/1/fd/1"] } };
    await node.create(
      "polite",
      { terminationGracePeriodSeconds: 5 },
      {
        ...script("trap 'echo term; exit 0' TERM; echo up; while :; do sleep 0.02; done"),
        lifecycle: { preStop: hook },
        readinessProbe: { exec: { command: ["true"] }, periodSeconds: 1 },
      },
    );
    const pod = await node.when("polite", isReady);
    const uid = pod.metadata?.uid ?? "";
    const read = node.until(
      async () => /term/.test(await logOf("polite").catch(() => "")) && logOf("polite"),
    );
    await node.client.pods.delete("default", "polite", {});
    assert.equal(await read, "up\nhook\nterm\n");
    await node.until(() => !existsSync(join(directory, "logs", `default_polite_${uid}`)));
    assert.equal(readdirSync(join(directory, "memory/pods")).includes(uid), false);
  });

  it("comes back to containers that went on: nothing restarts, and what ended meanwhile is seen", async () => {
    await node.create("steady", {}, script("exec sleep 1000"));
    await node.create(
      "short",
      { restartPolicy: "Never" },
      script("until [ -e /run-out ]; do sleep 0.02; done; exit 7"),
    );
    await node.create("dropped", {}, script("exec sleep 1000"));
    const before = await node.when("steady", isReady);
    await node.when("dropped", isReady);
    const short = await node.when("short", isReady);
    await node.halt();
    const id = short.status?.containerStatuses?.[0]?.containerID?.split("//")[1] ?? "";
    await node.runtime.execSync(id, ["touch", "/run-out"], 60);
    await node.client.pods.delete("default", "dropped", { gracePeriodSeconds: 0 });
    await node.runtime.close();
    node = await open();
    assert.deepEqual((await ended("short")).exitCode, 7);
    await node.until(async () =>
      (await node.runtime.listPodSandbox()).every((s) => s.metadata.name !== "dropped"),
    );
    const after = await node.pod("steady");
    assert.deepEqual(after.status?.containerStatuses, before.status?.containerStatuses);
    assert.deepEqual(after.status?.conditions, before.status?.conditions);
  });
});
