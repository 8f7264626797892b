export * from "./client.ts";
export type * from "./component.ts";
export { createEventRecorder, type EventRecorder } from "./events/recorder.ts";
export { keyOf, splitKey } from "./informer/cache.ts";
export { createInformerFactory, type InformerFactory } from "./informer/factory.ts";
export { type ChangeType, createInformer, type Informer, type InformerOptions } from "./informer/informer.ts";
export type * from "./kubeconfig/kubeconfig.ts";
export { kubeconfigTransport, NoClusterError, resolveKubeconfig } from "./kubeconfig/connect.ts";
export { loadKubeconfig, saveCurrentContext } from "./kubeconfig/load.ts";
export { claimObjects } from "./ownership/claim.ts";
export { controllerOf, controllerRef, isControlledBy } from "./ownership/owner-reference.ts";
export { forEachParallel, slowStart } from "./queue/batch.ts";
export { Expectations } from "./queue/expectations.ts";
export { WorkQueue, type WorkQueueOptions } from "./queue/work-queue.ts";
export { type Outcome, type Reconcile, runWorkers, settled } from "./queue/workers.ts";
export type * from "./resource.ts";
export {
  type ExecOptions,
  type ExecOutput,
  type ExecSession,
  exitCodeOf,
  openExec,
} from "./streaming/exec.ts";
export { openPortForward } from "./streaming/port-forward.ts";
export { bodyText, readJson, textLines } from "./transport/body.ts";
export { authorizationSource, type ServerConnection } from "./transport/credentials.ts";
export { httpsTransport } from "./transport/https.ts";
export type * from "./transport.ts";
