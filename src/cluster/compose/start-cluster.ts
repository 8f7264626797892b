import { mkdirSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { type Logger, systemClock } from "../../machinery/index.ts";
import { type ClusterCertificates, ensureCertificates } from "../pki/cluster-certificates.ts";
import { namesInPods, ownServerName } from "../pki/server-names.ts";
import { type ClusterConfig, nodeNames } from "../config/cluster-config.ts";
import { type ControlPlane, startControlPlane } from "./control-plane.ts";
import { openStore } from "./open-store.ts";
import { type PartState, Supervisor } from "./supervisor.ts";

export interface RunningCluster {
  config: ClusterConfig;
  certificates: ClusterCertificates;
  controlPlane: ControlPlane;
  parts(): readonly PartState[];
  /** Resolves when every node of this machine is Ready. Rejects when the cluster stops first. */
  nodesReady: Promise<void>;
  /** Releases everything; containers and the network process continue. */
  stop(): Promise<void>;
}

const renewalCheckMs = 12 * 3600 * 1000;

/** All names and addresses of the API server and of this machine's kubelet, for certificates. */
export function certificateHosts(config: ClusterConfig): Parameters<typeof ensureCertificates>[1] {
  const own = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .filter((address) => address.family === "IPv4" && !address.internal)
    .map((address) => address.address);
  const shared = ["localhost", "127.0.0.1", "::1", config.nodeName, config.gateway];
  return {
    nodeName: config.nodeName,
    apiserver: [
      ...new Set([ownServerName, ...namesInPods(config.domain), ...shared, config.kubernetesIp, ...own]),
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
  opening.catch(() => {}); // handled below
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
    controlPlane = await startControlPlane({
      config,
      certificates,
      store,
      clock,
      log,
      parts,
      settings: config.apiServer,
      signal: supervisor.signal,
    });
  } catch (error) {
    await store.close();
    throw error;
  }
  onApi();

  const [{ startControllers }, { startScheduler }, { keepSystemObjects, systemObjects }, { startNode }] =
    await loading;
  const { signingBy } = await import("./signing.ts");
  const asServer = controlPlane.transportAs("apiserver");
  supervisor.start("roles", asServer, ({ signal }) => controlPlane.maintainRoles(signal));
  supervisor.start("system-objects", asServer, ({ signal }) =>
    keepSystemObjects(asServer, controlPlane.server.objects, systemObjects(config, config.gateway), signal),
  );
  supervisor.start("scheduler", controlPlane.transportAs("scheduler"), (context) =>
    startScheduler(context, {}),
  );
  supervisor.start("controller-manager", controlPlane.transportAs("controller-manager"), (context) =>
    startControllers(context, {
      rootCa: certificates.ca,
      signing: signingBy({ cert: certificates.ca, key: certificates.caKey }),
      clusterCidr: config.podCidr,
      localPath: { dir: join(config.dataDir, "volumes") },
    }),
  );
  const nodes = new ReadyNodes(Math.max(1, config.simulatedNodes), supervisor.signal);
  await startNode({ config, certificates, controlPlane, supervisor, ready: (name) => nodes.add(name) });
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
    nodesReady: nodes.all,
    async stop() {
      await supervisor.stop();
      await controlPlane.close();
      await store.close();
    },
  };
}

/** Counts nodes with running kubelets; Node objects may hold the state of an earlier run. */
class ReadyNodes {
  readonly all: Promise<void>;
  readonly #names = new Set<string>();
  readonly #wanted: number;
  #resolve: () => void = () => {};

  constructor(wanted: number, signal: AbortSignal) {
    this.#wanted = wanted;
    this.all = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      signal.addEventListener("abort", () =>
        reject(new Error("the cluster stopped before its node was ready")),
      );
    });
  }

  add(name: string): void {
    if (this.#names.add(name).size >= this.#wanted) this.#resolve();
  }
}
