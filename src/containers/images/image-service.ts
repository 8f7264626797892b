import { statfsSync } from "node:fs";
import { CriError, type Image, type ImageService } from "../../cri/index.ts";
import type { ImageDetails, ImageStore } from "./contract.ts";
import { explain, notFound } from "./image-error.ts";
import { familiar, normalise, parseReference, repository } from "./reference.ts";

/**
 * CRI's image service over a store. There is no registry to pull from; `make` builds wherry's own images (`wherry.local/...`),
 * and returns false for others.
 */
export function createImageService(
  store: ImageStore,
  make: (reference: string) => Promise<boolean>,
): ImageService {
  return {
    async listImages(filter) {
      if (filter?.image !== undefined && filter.image !== "") {
        const image = await store.inspect(filter.image);
        return image === undefined ? [] : [criImage(image)];
      }
      return (await store.list()).map(criImage);
    },

    async imageStatus(image) {
      const found = await store.inspect(image);
      return found === undefined ? undefined : criImage(found);
    },

    async pullImage(image) {
      const present = await store.inspect(image);
      if (present !== undefined) return present.id;
      const reference = normalise(image);
      if (await make(reference)) {
        const made = await store.inspect(reference);
        if (made !== undefined) return made.id;
      }
      throw notFound(
        `there is no image "${familiar(reference)}" on this machine, and wherry does not pull from registries yet. Build it (wherry image build -t ${familiar(reference)} FOLDER) or load it (wherry image load -i FILE)`,
      );
    },

    async removeImage(image) {
      try {
        await store.remove(image);
      } catch (error) {
        if (!(error instanceof CriError && error.code === "NotFound")) throw error;
      }
    },

    async imageFsInfo() {
      try {
        const images = await store.list();
        const usedBytes = images.reduce((sum, image) => sum + image.size, 0);
        // Counting the store's files would take too long; the file system's usage is an upper bound.
        const fs = statfsSync(store.dir);
        return { mountpoint: store.dir, usedBytes, inodesUsed: fs.files - fs.ffree };
      } catch (error) {
        throw explain(error, "measuring the image store");
      }
    },
  };
}

function criImage(image: ImageDetails): Image {
  const names = image.names.filter((name) => !name.includes("@"));
  const repositories = [...new Set(image.names.map((name) => repository(parseReference(name))))];
  const user = (image.config.config?.User ?? "").split(":")[0] ?? "";
  return {
    id: image.id,
    repoTags: names,
    repoDigests: repositories.map((name) => `${name}@${image.manifestDigest}`),
    size: image.size,
    pinned: false,
    ...(user === "" ? {} : /^[0-9]+$/.test(user) ? { uid: Number(user) } : { username: user }),
  };
}
