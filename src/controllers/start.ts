import {
  type ComponentContext,
  createClient,
  createEventRecorder,
  createInformerFactory,
} from "../client/index.ts";
import type { Controller, ControllerContext } from "./context.ts";
import {
  certificateSigner,
  runCertificateApprover,
  runCertificateCleaner,
  type SigningConfig,
} from "./certificates/index.ts";
import { runCronJobs } from "./cronjob/index.ts";
import { runDaemonSets } from "./daemonset/index.ts";
import { runDeployments } from "./deployment/index.ts";
import { runEndpoints } from "./endpoints/index.ts";
import { runEndpointSliceMirroring } from "./endpoints/mirroring.ts";
import { runGarbageCollector } from "./garbage/index.ts";
import { runJobs } from "./job/index.ts";
import { runJobExpiry } from "./job/ttl.ts";
import { runDisruptionBudgets } from "./disruption/index.ts";
import { localDirectories, type VolumeDirectories } from "./local-path/directories.ts";
import { type LocalPathOptions, localPathProvisioner } from "./local-path/index.ts";
import { runNamespaces } from "./namespace/index.ts";
import { nodeIpam } from "./node-ipam/index.ts";
import { runNodeLifecycle } from "./node-lifecycle/index.ts";
import { runNodeTtl } from "./node-ttl/index.ts";
import { podGarbage } from "./pod-garbage/index.ts";
import { runQuotas } from "./quota/index.ts";
import { runReplicaSets, runReplicationControllers } from "./replicaset/index.ts";
import { runAdmissionPolicyStatus } from "./admission-policy/index.ts";
import { rootCaPublisher } from "./root-ca/index.ts";
import { runServiceAccounts } from "./service-account/index.ts";
import { runServiceCidrs } from "./service-cidr/index.ts";
import { runStatefulSets } from "./statefulset/index.ts";
import { runTaintEviction } from "./taint-eviction/index.ts";
import { runTokenCleaner } from "./token-cleaner/index.ts";
import { runVolumeBinder } from "./volumes/index.ts";
import { runStorageProtection } from "./volumes/protection.ts";

export interface ControllersConfig {
  /** PEM of the CA with which clients in the cluster verify the API server; without it no `kube-root-ca.crt`. */
  rootCa?: string;
  /** Authorities of the built-in signers; without it nothing is signed. */
  signing?: SigningConfig;
  /** The cluster's range of pod addresses (IPv4); without it nodes get no ranges. */
  clusterCidr?: string;
  /** Without it no volumes are provisioned. */
  localPath?: LocalPathOptions;
  /** Seed of the jitter. */
  seed?: number;
}

/** What controllers use outside the API. */
export interface ControllersPorts {
  volumes?: VolumeDirectories;
}

/** Runs all controllers over shared caches; resolves when `context.signal` has aborted and all have ended. */
export async function startControllers(
  context: ComponentContext,
  config: ControllersConfig,
  ports: ControllersPorts = {},
): Promise<void> {
  const { api, clock, log, signal } = context;
  const random = sequence(config.seed ?? 1);
  const client = createClient(api, { userAgent: "kube-controller-manager" });
  const informers = createInformerFactory({ clock, log, signal, random });
  const shared: ControllerContext = {
    client,
    informers,
    clock,
    log,
    signal,
    random,
    recorder: (component) => createEventRecorder(client, clock, log, { component }),
  };
  const controllers: Controller[] = [
    runReplicaSets,
    runReplicationControllers,
    runDeployments,
    runStatefulSets,
    runDaemonSets,
    runJobs,
    runCronJobs,
    runJobExpiry,
    runDisruptionBudgets,
    runEndpoints,
    runEndpointSliceMirroring,
    runQuotas,
    runNamespaces,
    runServiceAccounts,
    ...(config.rootCa ? [rootCaPublisher(config.rootCa)] : []),
    runTokenCleaner,
    runCertificateApprover,
    ...(config.signing ? [certificateSigner(config.signing)] : []),
    runCertificateCleaner,
    runAdmissionPolicyStatus,
    runServiceCidrs,
    runNodeLifecycle,
    runNodeTtl,
    ...(config.clusterCidr ? [nodeIpam(config.clusterCidr)] : []),
    runTaintEviction,
    podGarbage(),
    runVolumeBinder,
    runStorageProtection,
    ...(config.localPath ? [localPathProvisioner(config.localPath, ports.volumes ?? localDirectories)] : []),
    // Last: it watches the metadata of resources that the others do not watch.
    runGarbageCollector,
  ];
  await Promise.all(controllers.map((run) => run(shared)));
  await informers.ended();
}

/** 0 <= x < 1, the same for the same seed (mulberry32). */
function sequence(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
