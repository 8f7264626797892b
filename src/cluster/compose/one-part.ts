import { mkdirSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import {
  type ComponentContext,
  createClient,
  httpsTransport,
  type ServerConnection,
} from "../../client/index.ts";
import { isReason, type Logger, systemClock } from "../../machinery/index.ts";
import { ClusterError } from "../cluster-error.ts";
import type { ApiServerSettings } from "../config/api-server-settings.ts";
import { ensureConfig } from "../config/cluster-config.ts";
import { type ClusterChoice, placesOf } from "../config/places.ts";
import { nativeProgram } from "../images.ts";
import { ensureCertificates } from "../pki/cluster-certificates.ts";
import { startControlPlane } from "./control-plane.ts";
import type { SigningFiles } from "./signing.ts";
import { openStore } from "./open-store.ts";
import { certificateHosts } from "./start-cluster.ts";

/** Maximum duration of an API request. */
const requestMs = 60_000;

/** A component that runs alone, over HTTPS, as the user in its kubeconfig. */
export interface LonePart {
  connection: ServerConnection;
  log: Logger;
  signal: AbortSignal;
}

async function alone(part: LonePart, run: (context: ComponentContext) => Promise<void>): Promise<void> {
  const api = httpsTransport(part.connection);
  try {
    // A wrong address or certificate is reported at once instead of being retried.
    await createClient(api).namespaces.list(undefined, { limit: 1 });
    await run({ api, clock: systemClock, log: part.log, signal: part.signal });
  } finally {
    await api.close();
  }
}

/** Settles when the signal aborts. */
export async function runSchedulerAlone(part: LonePart, schedulerName?: string): Promise<void> {
  const { startScheduler } = await import("../../scheduler/index.ts");
  await alone(part, (context) => startScheduler(context, schedulerName ? { schedulerName } : {}));
}

export interface LoneControllersOptions {
  /** Directory of the local provisioner's volumes; without it there is no provisioner. */
  volumeDir?: string;
  /** Authorities of certificates; without them none are signed. */
  signing?: SigningFiles;
}

/** Settles when the signal aborts. */
export async function runControllersAlone(
  part: LonePart,
  { volumeDir, signing }: LoneControllersOptions = {},
): Promise<void> {
  const { startControllers } = await import("../../controllers/index.ts");
  const signers = signing ? (await import("./signing.ts")).readSigning(signing) : undefined;
  const { ca } = part.connection;
  await alone(part, (context) =>
    startControllers(context, {
      ...(ca === undefined ? {} : { rootCa: ca.toString() }),
      ...(signers ? { signing: signers } : {}),
      ...(volumeDir === undefined ? {} : { localPath: { dir: volumeDir } }),
    }),
  );
}

export interface LoneProxyOptions {
  nodeName?: string;
  /** nftables table; default `wherry-proxy`. */
  table?: string;
  serviceCidrs?: string[];
}

/** Service traffic and DNS of this node, configured from the Node and the Services. */
export async function runProxyAlone(part: LonePart, options: LoneProxyOptions): Promise<void> {
  const { startNetwork } = await import("../../network/index.ts");
  await alone(part, async (context) => {
    const client = createClient(context.api);
    const nodeName = options.nodeName ?? hostname().toLowerCase();
    const node = await client.nodes.get(undefined, nodeName).catch((error: unknown) => {
      if (!isReason(error, "NotFound")) throw error;
      throw new ClusterError(`there is no node "${nodeName}"`, { hint: "Name one with --node-name." });
    });
    const address = node.status?.addresses?.find(({ type }) => type === "InternalIP")?.address;
    const podCidrs = node.spec?.podCIDRs ?? [];
    if (!address || podCidrs.length === 0)
      throw new ClusterError(`node "${nodeName}" has no address or no pod CIDR yet`);
    const dns = await client.services.get("kube-system", "kube-dns");
    const serviceCidrs = options.serviceCidrs ?? (await servedCidrs(client));
    await startNetwork(context, {
      table: options.table ?? "wherry-proxy",
      nodeName,
      nodeAddress: address,
      podCidrs,
      serviceCidrs,
      dns: { domain: "cluster.local", clusterIp: dns.spec?.clusterIP ?? "", listenAddress: address },
      nativePath: nativeProgram("wherry-native"),
    });
  });
}

async function servedCidrs(client: ReturnType<typeof createClient>): Promise<string[]> {
  const resource = client.resource<{ metadata?: object; spec?: { cidrs?: string[] } }>(
    "networking.k8s.io",
    "v1",
    "servicecidrs",
    false,
  );
  const found = await resource.list(undefined, {}).catch(() => ({ items: [] }));
  const cidrs = found.items.flatMap((item) => item.spec?.cidrs ?? []);
  if (cidrs.length > 0) return cidrs;
  throw new ClusterError("the cluster does not say which addresses its Services have", {
    hint: "Say it with --service-cidr.",
  });
}

/**
 * API server and store alone, on the cluster's data directory and port. `onReady` is called when it answers; resolves when the
 * signal aborts and all is written.
 */
export async function runApiServerAlone(options: {
  choice: ClusterChoice;
  apiPort?: number;
  settings: ApiServerSettings;
  log: Logger;
  signal: AbortSignal;
  onReady(server: string): void;
}): Promise<void> {
  const { log, signal } = options;
  const clock = systemClock;
  const config = ensureConfig(
    placesOf(options.choice),
    options.apiPort === undefined ? {} : { apiPort: options.apiPort },
  );
  mkdirSync(join(config.dataDir, "log"), { recursive: true, mode: 0o700 });
  const certificates = ensureCertificates(join(config.dataDir, "pki"), certificateHosts(config), clock.now());
  const store = await openStore(config.dataDir, clock);
  try {
    const plane = await startControlPlane({
      config,
      certificates,
      store,
      clock,
      log,
      parts: () => [],
      settings: options.settings,
      // As in kube-apiserver, requests in flight may complete.
      graceMs: requestMs,
      signal,
    });
    try {
      const { ensureSystemObjects, systemObjects } = await import("./system-objects.ts");
      const roles = plane.maintainRoles(signal);
      roles.catch(() => {}); // seen below
      await ensureSystemObjects(
        plane.transportAs("apiserver"),
        systemObjects(config, config.gateway),
        signal,
      );
      options.onReady(`https://127.0.0.1:${config.apiPort}`);
      await roles;
      if (!signal.aborted) {
        await new Promise<void>((resolve) =>
          signal.addEventListener("abort", () => resolve(), { once: true }),
        );
      }
    } finally {
      await plane.close();
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    await store.close();
  }
}
