import { CriError } from "../../../cri/index.ts";
import { damaged, invalid, notFound } from "../image-error.ts";
import {
  type Descriptor,
  hostArchitecture,
  isIndex,
  isManifest,
  type OciImageConfig,
  type OciIndex,
  type OciManifest,
} from "../oci-format.ts";
import { familiar, formatReference, normalise, parseReference, repository } from "../reference.ts";
import type { Blobs } from "./blobs.ts";
import type { StoreLock } from "./lock.ts";
import type { ReferenceIndex } from "./reference-index.ts";

/** An image with its documents, verified. */
export interface StoredImage {
  /** Digest of the configuration. */
  id: string;
  /** The named blob: a manifest, or an index of manifests for several platforms. */
  target: Descriptor;
  /** The manifest for this machine. */
  manifestDigest: string;
  manifest: OciManifest;
  config: OciImageConfig;
}

/** Names and their images. Reads include other processes' changes. */
export class Catalog {
  readonly #blobs: Blobs;
  readonly #index: ReferenceIndex;
  readonly #lock: StoreLock;
  readonly #known = new Map<string, StoredImage>();

  constructor(blobs: Blobs, index: ReferenceIndex, lock: StoreLock) {
    this.#blobs = blobs;
    this.#index = index;
    this.#lock = lock;
  }

  /** By reference, by id, or by a prefix of an id (at least four digits). Undefined when there is none. */
  async find(text: string): Promise<StoredImage | undefined> {
    const bare = text.startsWith("sha256:") ? text.slice(7) : text;
    const entries = this.#index.read();
    if (text.startsWith("sha256:") || /^[a-f0-9]{12,64}$/.test(bare)) {
      const byId = await this.#byId(bare);
      if (byId !== undefined || text.startsWith("sha256:")) return byId;
    }
    const reference = parseReference(text);
    const target =
      reference.digest === undefined
        ? entries.get(formatReference(reference))
        : [...entries].find(
            ([name, d]) => d.digest === reference.digest && sameRepository(name, reference),
          )?.[1];
    if (target !== undefined) return this.load(target);
    return /^[a-f0-9]{4,11}$/.test(bare) ? this.#byId(bare) : undefined;
  }

  /** Like `find`; NotFound with advice. */
  async get(text: string): Promise<StoredImage> {
    const image = await this.find(text);
    if (image !== undefined) return image;
    throw notFound(`there is no image "${text}" here. "wherry image ls" shows those there are`);
  }

  /** Every image with all its names. */
  async all(): Promise<{ image: StoredImage; names: string[] }[]> {
    const found = new Map<string, { image: StoredImage; names: string[] }>();
    for (const [name, target] of this.#index.read()) {
      const image = await this.load(target);
      const one = found.get(image.id) ?? { image, names: [] };
      one.names.push(name);
      found.set(image.id, one);
    }
    return [...found.values()];
  }

  /** The images by name: images with the same configuration may have different blobs. */
  async *each(): AsyncGenerator<StoredImage> {
    for (const target of this.#index.read().values()) yield await this.load(target);
  }

  /** Names of one image. */
  names(id: string): Promise<string[]> {
    return this.all().then((all) => all.find((one) => one.image.id === id)?.names ?? []);
  }

  /** Reads an image's documents, whose blobs must exist. */
  async load(target: Descriptor): Promise<StoredImage> {
    const cached = this.#known.get(target.digest);
    if (cached !== undefined) return cached;
    const descriptor = isIndex(target.mediaType) ? await this.#choose(target) : target;
    if (!isManifest(descriptor.mediaType)) {
      throw invalid(`${target.digest} is of the type "${descriptor.mediaType}", which is not an image`);
    }
    const manifest = await this.#blobs.document<OciManifest>(descriptor.digest);
    if (!Array.isArray(manifest.layers) || typeof manifest.config?.digest !== "string") {
      throw invalid(`the manifest ${descriptor.digest} has no configuration or no layers`);
    }
    const config = await this.#blobs.document<OciImageConfig>(manifest.config.digest);
    if (!Array.isArray(config.rootfs?.diff_ids)) {
      throw invalid(`the configuration ${manifest.config.digest} of the image names no layers`);
    }
    const image = { id: manifest.config.digest, target, manifestDigest: descriptor.digest, manifest, config };
    this.#known.set(target.digest, image);
    return image;
  }

  /** Assigns names to an image whose blobs exist. Durable when it resolves. */
  async publish(names: readonly string[], target: Descriptor): Promise<StoredImage> {
    const image = await this.load(target);
    await this.#blobs.settle();
    await this.#lock.hold(async () => {
      for (const blob of [image.manifest.config, ...image.manifest.layers]) {
        if (this.#blobs.size(blob.digest) === undefined) {
          throw damaged(`the blob ${blob.digest} of ${names[0] ?? image.id} is missing`);
        }
      }
      await this.#index.write((entries) => {
        for (const name of names) entries.set(normalise(name), bare(target));
      });
    });
    return image;
  }

  /** Removes a name, or all names of an image given by its id. Returns the removed names. */
  async unname(text: string): Promise<string[]> {
    const image = await this.get(text);
    return this.#lock.hold(async () => {
      let names = (await this.all()).find((one) => one.image.id === image.id)?.names ?? [];
      const asked = tryNormalise(text);
      if (asked !== undefined && names.includes(asked)) names = [asked];
      await this.#index.write((entries) => {
        for (const name of names) entries.delete(name);
      });
      return names;
    });
  }

  async #byId(digits: string): Promise<StoredImage | undefined> {
    const matches = (await this.all()).filter((one) => one.image.id.slice(7).startsWith(digits));
    if (matches.length > 1) {
      const names = matches.map((one) => familiar(one.names[0] ?? one.image.id)).join(", ");
      throw new CriError("InvalidArgument", `"${digits}" is the beginning of several images' ids: ${names}`);
    }
    return matches[0]?.image;
  }

  async #choose(target: Descriptor): Promise<Descriptor> {
    const index = await this.#blobs.document<OciIndex>(target.digest);
    const usable = (index.manifests ?? []).filter((d) => isManifest(d.mediaType));
    const own = usable.find(
      (d) => d.platform?.os === "linux" && d.platform.architecture === hostArchitecture,
    );
    const only = usable.length === 1 && usable[0]?.platform === undefined ? usable[0] : undefined;
    const chosen = own ?? only;
    if (chosen !== undefined) return chosen;
    const there = usable.map((d) => `${d.platform?.os ?? "?"}/${d.platform?.architecture ?? "?"}`).join(", ");
    throw invalid(`the image has nothing for linux/${hostArchitecture} (only ${there || "nothing"})`);
  }
}

function bare(target: Descriptor): Descriptor {
  return { mediaType: target.mediaType, digest: target.digest, size: target.size };
}

function sameRepository(name: string, reference: ReturnType<typeof parseReference>): boolean {
  return repository(parseReference(name)) === repository(reference);
}

function tryNormalise(text: string): string | undefined {
  try {
    return normalise(text);
  } catch {
    return undefined;
  }
}
