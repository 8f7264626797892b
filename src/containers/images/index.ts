export type { BuildOptions, BuiltImage } from "./build/build.ts";
export type { BuildProgress, OnProgress } from "./build/progress.ts";
export type { BuildRunner, RunRequest } from "./build/runner.ts";
export * from "./contract.ts";
export { DockerfileError } from "./dockerfile/dockerfile-error.ts";
export {
  buildFolder,
  collectImages,
  type FolderImage,
  type FolderOptions,
  folderImages,
  imageFolder,
} from "./folder.ts";
export { commandNodes } from "./layer/command-nodes.ts";
export type { NodeOperation, SpecialNodes } from "./layer/special-nodes.ts";
export type { ContainerDefaults, Healthcheck, HistoryItem, OciImageConfig } from "./oci-format.ts";
export { type ImageStoreOptions, openImageStore } from "./open.ts";
export { familiar, formatReference, normalise, parseReference, type Reference } from "./reference.ts";
