import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Container, Pod, PodSpec } from "../../api/index.ts";
import { type ApiTransport, createClient } from "../../client/index.ts";
import type { ImageService, RuntimeService } from "../../cri/index.ts";
import { type Clock, createLogger, silentLogger } from "../../machinery/index.ts";
import { type ApiDouble, createApiDouble, FakeClock, until as eventually } from "../../testing/index.ts";
import { startKubelet } from "../kubelet.ts";
import { createSimulatedImages, type SimulatedImages } from "../simulated/simulated-images.ts";
import { createSimulatedRuntime, type SimulatedRuntime } from "../simulated/simulated-runtime.ts";
import { noMounts } from "../volumes/native-mounts.ts";
import type { MountPort } from "../volumes/volume.ts";

/** What survives a restart of the kubelet: the API server, the runtime, the disk. */
interface World {
  clock: FakeClock;
  api: ApiDouble;
  runtime: SimulatedRuntime;
  images: SimulatedImages;
  directory: string;
}

/** A kubelet on a simulated runtime and an API server in memory, for tests of this folder. */
export async function testKubelet(options: { keep?: World; endsAlone?: boolean } = {}) {
  const clock = options.keep?.clock ?? new FakeClock();
  const world: World = options.keep ?? {
    clock,
    api: createApiDouble(clock),
    runtime: createSimulatedRuntime(clock, { endsAlone: options.endsAlone ?? false }),
    images: createSimulatedImages(),
    directory: mkdtempSync(join(tmpdir(), "wherry-kubelet-")),
  };
  return { ...world, ...(await startTestKubelet({ ...world, mounts: noMounts })) };
}

export interface TestParts {
  clock: Clock;
  api: ApiTransport;
  runtime: RuntimeService;
  images: ImageService;
  mounts: MountPort;
  directory: string;
}

/** Starts the kubelet of node-1 on these parts, with helpers for pods. */
export async function startTestKubelet({ clock, api, runtime, images, mounts, directory }: TestParts) {
  const client = createClient(api);
  const stop = new AbortController();
  const running = await startKubelet(
    {
      api,
      clock,
      log: process.env["DEBUG_LOG"]
        ? createLogger(
            (l) => process.stderr.write(l),
            () => 0,
            "debug",
          )
        : silentLogger,
      signal: stop.signal,
    },
    {
      nodeName: "node-1",
      addresses: [{ type: "InternalIP", address: "192.0.2.1" }],
      clusterDns: ["10.96.0.10"],
      clusterDomain: "cluster.local",
      rootDir: join(directory, "root"),
      runDir: join(directory, "memory"),
      logDir: join(directory, "logs"),
      port: 0,
      capacity: { cpus: 4, memoryBytes: 8 * 2 ** 30 },
    },
    { runtime, images, mounts },
  );
  const until = <T>(look: () => Promise<T | undefined | false> | T | undefined | false): Promise<T> =>
    eventually(String(look), look);
  return {
    client,
    until,
    create: (name: string, spec: Partial<PodSpec> = {}, container: Partial<Container> = {}) =>
      client.pods.create("default", {
        metadata: { name },
        spec: {
          nodeName: "node-1",
          restartPolicy: "Always",
          terminationGracePeriodSeconds: 30,
          containers: [{ name: "web", image: "web:1", ...container }],
          ...spec,
        },
      } as Pod),
    pod: (name: string) => client.pods.get("default", name),
    /** The pod, when its status matches. */
    when: (name: string, fits: (pod: Pod) => boolean) =>
      until(async () => {
        const pod = await client.pods.get("default", name).catch(() => undefined);
        return pod && fits(pod) ? pod : undefined;
      }),
    /** Stops without touching containers, like `kill -9`. */
    halt: async () => {
      stop.abort(new Error("test is over"));
      await running.ended;
    },
    stop: async () => {
      stop.abort(new Error("test is over"));
      await running.ended;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

export const isReady = (pod: Pod): boolean =>
  pod.status?.conditions?.some((c) => c.type === "Ready" && c.status === "True") === true;
