import { mkdirSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import type { Node } from "../../api/index.ts";
import { type Logger, systemClock } from "../../machinery/index.ts";
import { type ClusterCertificates, ensureCertificates } from "../pki/cluster-certificates.ts";
import { type ClusterConfig, nodeNames } from "../config/cluster-config.ts";
import { type ControlPlane, startControlPlane } from "./control-plane.ts";
import { openStore } from "./open-store.ts";
import { type PartState, Supervisor } from "./supervisor.ts";

export interface RunningCluster {
  config: ClusterConfig;
  certificates: ClusterCertificates;
  controlPlane: ControlPlane;
  parts(): readonly PartState[];
  /** Settles when every node of this machine is Ready. Rejects when the cluster stops before. */
  nodesReady: Promise<void>;
  /** Lets go of everything; containers and the network process go on. */
  stop(): Promise<void>;
}

const renewalCheckMs = 12 * 3600 * 1000;

/** Every name and address the API server and the kubelet of this machine may be reached under. */
function certificateHosts(config: ClusterConfig): Parameters<typeof ensureCertificates>[1] {
  const own = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .filter((address) => address.family === "IPv4" && !address.internal)
    .map((address) => address.address);
  const shared = ["localhost", "127.0.0.1", "::1", config.nodeName, config.gateway];
  const api = ["kubernetes", "kubernetes.default", "kubernetes.default.svc"];
  return {
    nodeName: config.nodeName,
    apiserver: [
      ...new Set([...api, `kubernetes.default.svc.${config.domain}`, ...shared, config.kubernetesIp, ...own]),
    ],
    kubelet: [...new Set([...shared, ...own, ...nodeNames(config)])],
  };
}

/** All parts of a cluster in this process. `onApi` is called when the API server accepts connections. */
export async function startCluster(
  config: ClusterConfig,
  log: Logger,
  onApi: () => void = () => {},
): Promise<RunningCluster> {
  const clock = systemClock;
  mkdirSync(join(config.dataDir, "log"), { recursive: true, mode: 0o700 });
  mkdirSync(config.runDir, { recursive: true, mode: 0o700 });
  const opening = openStore(config.dataDir, clock);
  opening.catch(() => {}); // seen below
  // Loaded while the store opens; the API server does not wait for them.
  const loading = Promise.all([
    import("../../controllers/index.ts"),
    import("../../scheduler/index.ts"),
    import("./system-objects.ts"),
    import("./node.ts"),
  ]);
  loading.catch(() => {});
  const certificates = ensureCertificates(join(config.dataDir, "pki"), certificateHosts(config), clock.now());
  const store = await opening;
  const supervisor = new Supervisor(clock, log);
  const parts = (): readonly PartState[] => supervisor.states();
  let controlPlane: ControlPlane;
  try {
    controlPlane = await startControlPlane({ config, certificates, store, clock, log, parts });
  } catch (error) {
    await store.close();
    throw error;
  }
  onApi();

  const [{ startControllers }, { startScheduler }, { ensureSystemObjects, systemObjects }, { startNode }] =
    await loading;
  const asServer = controlPlane.transportAs("apiserver");
  supervisor.start("roles", asServer, ({ signal }) => controlPlane.maintainRoles(signal));
  supervisor.start("system-objects", asServer, async ({ signal }) => {
    await ensureSystemObjects(asServer, systemObjects(config, config.gateway), signal);
    await untilAborted(signal);
  });
  supervisor.start("scheduler", controlPlane.transportAs("scheduler"), (context) =>
    startScheduler(context, {}),
  );
  supervisor.start("controller-manager", controlPlane.transportAs("controller-manager"), (context) =>
    startControllers(context, {
      rootCa: certificates.ca,
      localPath: { dir: join(config.dataDir, "volumes") },
    }),
  );
  await startNode({ config, certificates, controlPlane, supervisor });
  supervisor.start("certificates", asServer, async ({ signal }) => {
    while (!signal.aborted) {
      await clock.sleep(renewalCheckMs, signal).catch(() => {});
      ensureCertificates(join(config.dataDir, "pki"), certificateHosts(config), clock.now());
    }
  });
  return {
    config,
    certificates,
    controlPlane,
    parts,
    nodesReady: nodesReady(controlPlane, Math.max(1, config.simulatedNodes), supervisor.signal),
    async stop() {
      await supervisor.stop();
      await controlPlane.close();
      await store.close();
    },
  };
}

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });

function nodesReady(controlPlane: ControlPlane, wanted: number, signal: AbortSignal): Promise<void> {
  const { objects } = controlPlane.server;
  const isReady = (node: Node): boolean =>
    node.status?.conditions?.some((c) => c.type === "Ready" && c.status === "True") ?? false;
  return new Promise((resolve, reject) => {
    const enough = (): boolean => objects.list<Node>("", "nodes").filter(isReady).length >= wanted;
    const stop = objects.onChange<Node>("", "nodes", () => {
      if (!enough()) return;
      stop();
      resolve();
    });
    signal.addEventListener("abort", () => {
      stop();
      reject(new Error("the cluster stopped before its node was ready"));
    });
    if (enough()) {
      stop();
      resolve();
    }
  });
}
