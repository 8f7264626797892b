export type { VolumeDirectories } from "./local-path/directories.ts";
export type { LocalPathOptions } from "./local-path/index.ts";
export { type SignerName, signerNames, type SigningConfig } from "./certificates/index.ts";
export { type ControllersConfig, type ControllersPorts, startControllers } from "./start.ts";
