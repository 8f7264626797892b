export type { KubeletConfig } from "./config.ts";
export { type KubeletBackends, type RunningKubelet, startKubelet } from "./kubelet.ts";
export { createSimulatedImages, type SimulatedImages } from "./simulated/simulated-images.ts";
export { createSimulatedRuntime, type SimulatedRuntime } from "./simulated/simulated-runtime.ts";
export { nativeMounts, noMounts } from "./volumes/native-mounts.ts";
export type { MountPort } from "./volumes/volume.ts";
