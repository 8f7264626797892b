export type { BuildProgress } from "./build/progress.ts";
export type { BuildRunner } from "./build/runner.ts";
export * from "./contract.ts";
export { buildFolder, type FolderImage } from "./folder.ts";
export { commandNodes } from "./layer/command-nodes.ts";
export { openImageStore } from "./open.ts";
export { familiar } from "./reference.ts";
