export * from "./contract.ts";
export { commandNodes } from "./layer/command-nodes.ts";
export type { NodeOperation, SpecialNodes } from "./layer/special-nodes.ts";
export type { ContainerDefaults, Healthcheck, HistoryItem, OciImageConfig } from "./oci-format.ts";
export { type ImageStoreOptions, openImageStore } from "./open.ts";
export { familiar, formatReference, normalise, parseReference, type Reference } from "./reference.ts";
