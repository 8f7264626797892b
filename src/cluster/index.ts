export {
  type AuditFiles,
  checkCipherSuites,
  checkDelivery,
  checkFeatureGates,
  checkPlugins,
  checkRuntimeConfig,
  checkSigningAlgorithms,
  type DeliveryFlags,
  logFormats,
} from "../apiserver/index.ts";
export type { ApiServerSettings, AuthorizationSettings } from "./config/api-server-settings.ts";
export * from "./apply/index.ts";
export { ClusterError } from "./cluster-error.ts";
export type { SigningFiles } from "./compose/signing.ts";
export {
  type LoneControllersOptions,
  type LonePart,
  type LoneProxyOptions,
  runApiServerAlone,
  runControllersAlone,
  runProxyAlone,
  runSchedulerAlone,
} from "./compose/one-part.ts";
export type { PartState } from "./compose/supervisor.ts";
export type { ClusterConfig } from "./config/cluster-config.ts";
export type { ClusterChoice, Places } from "./config/places.ts";
export { adminTransport, kubeconfigText } from "./connection.ts";
export { down, type DownOptions, type DownResult } from "./down.ts";
export { buildImagesOf, type FolderBuild, openClusterImages } from "./images.ts";
export { type ClusterStatus, status } from "./status.ts";
export { up, type UpOptions, type UpResult } from "./up.ts";
