import { VolumeError } from "./projection.ts";
import type { VolumePlugin } from "./volume.ts";

/** An image as a read-only volume. The runtime mounts it; the image is pulled with the container's images. */
export const imageVolume: VolumePlugin = {
  setUp({ volume }) {
    const reference = volume.image?.reference;
    if (!reference) return Promise.reject(new VolumeError(`volume ${volume.name} names no image`));
    return Promise.resolve({
      mounted: { name: volume.name, hostPath: "", readOnly: true, image: reference },
    });
  },
};
