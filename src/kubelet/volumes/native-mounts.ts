import type { Native } from "../../linux/index.ts";
import type { MountPort } from "./volume.ts";

/** The kubelet's mounts, by the native helper. */
export function nativeMounts(native: Native): MountPort {
  return {
    async tmpfs(target, { sizeBytes, mode }) {
      const options = [`mode=${mode.toString(8)}`, ...(sizeBytes ? [`size=${sizeBytes}`] : [])];
      await native.mount({ source: "tmpfs", target, type: "tmpfs", flags: [], data: options.join(",") });
    },
    bind: (source, target) => native.bindMount(source, target, { recursive: true }),
    async unmount(target) {
      await native.umount(target, { detach: true });
    },
  };
}

/** For simulated nodes: no mounts, and memory volumes are plain directories. */
export const noMounts: MountPort = {
  tmpfs: () => Promise.resolve(),
  bind: () => Promise.resolve(),
  unmount: () => Promise.resolve(),
};
