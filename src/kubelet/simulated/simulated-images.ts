import { createHash } from "node:crypto";
import { CriError, type Image, type ImageService } from "../../cri/index.ts";

export interface SimulatedImages extends ImageService {
  /** References that cannot be pulled. */
  readonly missing: Set<string>;
}

/** An image service for simulated nodes: every image is present on request. */
export function createSimulatedImages(): SimulatedImages {
  const images = new Map<string, Image>();
  const service: SimulatedImages = {
    missing: new Set(),
    listImages: () => Promise.resolve([...images.values()]),
    imageStatus: (reference) => Promise.resolve(images.get(reference)),
    pullImage(reference) {
      if (service.missing.has(reference)) {
        return Promise.reject(new CriError("NotFound", `there is no image ${reference}`));
      }
      const id = `sha256:${createHash("sha256").update(reference).digest("hex")}`;
      images.set(reference, { id, repoTags: [reference], repoDigests: [], size: 1, uid: 0, pinned: false });
      return Promise.resolve(id);
    },
    removeImage: (reference) => Promise.resolve(void images.delete(reference)),
    imageFsInfo: () => Promise.resolve({ mountpoint: "/", usedBytes: 0, inodesUsed: 0 }),
  };
  return service;
}
