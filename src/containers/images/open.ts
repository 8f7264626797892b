import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { type Clock, type Logger, silentLogger, systemClock } from "../../machinery/index.ts";
import { loadArchive } from "./archive/load.ts";
import { saveArchive } from "./archive/save.ts";
import { baseRequest, createBase, makeBase } from "./base/base-image.ts";
import { baseDomain, debianReference } from "./base/base-reference.ts";
import { buildImage } from "./build/build.ts";
import type { Kitchen } from "./build/kitchen.ts";
import type { BuildRunner } from "./build/runner.ts";
import { StepCache } from "./build/step-cache.ts";
import type { ImageDetails, ImageStore } from "./contract.ts";
import { errno, explain, damaged } from "./image-error.ts";
import { createImageService } from "./image-service.ts";
import { Layers, lowerDirectories } from "./layer/layers.ts";
import { type SpecialNodes, unprivilegedNodes } from "./layer/special-nodes.ts";
import { formatReference, normalise, parseReference } from "./reference.ts";
import { Blobs } from "./store/blobs.ts";
import { Catalog, type StoredImage } from "./store/catalog.ts";
import { collectGarbage, sweepTemporary } from "./store/garbage.ts";
import { Leases } from "./store/leases.ts";
import { StoreLock } from "./store/lock.ts";
import { ReferenceIndex } from "./store/reference-index.ts";

export interface ImageStoreOptions {
  /** The store's directory; created when missing. */
  dir: string;
  /** Device nodes and extended attributes (`commandNodes([helper])`). */
  nodes: SpecialNodes;
  clock?: Clock;
  log?: Logger;
  /** Executes RUN; without it Dockerfiles with RUN are rejected. */
  runner?: BuildRunner;
  /** The Node binary for `wherry.local/node`; default: the running one. */
  node?: string;
  /** Sets files' owners. Default: whether this is root. */
  privileged?: boolean;
}

/** Opens or creates the store. Errors: a directory of another version, or a read-only one. */
export async function openImageStore(options: ImageStoreOptions): Promise<ImageStore> {
  const { dir } = options;
  const clock = options.clock ?? systemClock;
  const log = options.log ?? silentLogger;
  try {
    mkdirSync(dir, { recursive: true, mode: 0o711 });
    checkVersion(dir);
  } catch (error) {
    throw explain(error, `opening the image store ${dir}`);
  }
  const blobs = new Blobs(dir);
  /** Held for milliseconds: to change the index, or to collect garbage. */
  const lock = new StoreLock(`${dir}/lock`, clock);
  const catalog = new Catalog(blobs, new ReferenceIndex(dir), lock);
  const leases = new Leases(dir);
  const privileged = options.privileged ?? process.getuid?.() === 0;
  const nodes = privileged ? options.nodes : unprivilegedNodes(options.nodes);
  const layers = new Layers(dir, blobs, nodes, privileged);
  const cache = new StepCache(dir, blobs, clock);
  const baseLock = new StoreLock(`${dir}/base.lock`, clock, 600_000);
  const nodeOption = options.node === undefined ? {} : { node: options.node };
  const kitchen: Kitchen = {
    root: dir,
    blobs,
    layers,
    catalog,
    cache,
    nodes,
    clock,
    privileged,
    runner: options.runner,
    // Concurrent builds of the same base are serialized: the second finds it.
    makeBase: (reference, note) => makeBase(kitchen, reference, { note, ...nodeOption }, baseLock),
  };
  const unpack = (image: StoredImage) =>
    layers.chain(
      image.config.rootfs.diff_ids,
      image.manifest.layers.map((layer) => layer.digest),
    );
  const collect = () =>
    collectGarbage({
      root: dir,
      blobs,
      layers,
      catalog,
      lock,
      leases,
      cached: () => cache.wanted(),
    });
  const details = (image: StoredImage, names: string[]): ImageDetails => ({
    id: image.id,
    names: names.sort(),
    manifestDigest: image.manifestDigest,
    size:
      image.target.size +
      [image.manifest.config, ...image.manifest.layers].reduce((sum, blob) => sum + blob.size, 0),
    config: image.config,
    layers: image.manifest.layers.map((layer, at) => ({
      digest: layer.digest,
      diffId: image.config.rootfs.diff_ids[at] ?? "",
      mediaType: layer.mediaType,
      size: layer.size,
    })),
  });

  await lock.hold(() => sweepTemporary(dir, leases.oldest()));

  const store: ImageStore = {
    dir,
    async resolve(reference) {
      const image = await catalog.find(reference);
      if (image === undefined) return undefined;
      const { id, config } = image;
      const present = layers.present(config.rootfs.diff_ids);
      if (present !== undefined) return { id, config, layers: lowerDirectories(present) };
      using _ = leases.begin();
      return { id, config, layers: lowerDirectories(await unpack(image)) };
    },
    async inspect(reference) {
      const image = await catalog.find(reference);
      return image === undefined ? undefined : details(image, await catalog.names(image.id));
    },
    async list() {
      const all = (await catalog.all()).map(({ image, names }) => details(image, names));
      return all.sort((a, b) => ((a.names[0] ?? "") < (b.names[0] ?? "") ? -1 : 1));
    },
    async tag(source, target) {
      const image = await catalog.get(source);
      await catalog.publish([withoutDigest(target)], image.target);
    },
    async remove(reference) {
      const image = await catalog.get(reference);
      const untagged = await catalog.unname(reference);
      const collected = await collect();
      log.info("image removed", { id: image.id, names: untagged });
      return { id: image.id, untagged, collected };
    },
    async load(source, loading = {}) {
      using _ = leases.begin();
      const loaded = await loadArchive(source, blobs, catalog, unpack, loading.name);
      for (const { image, names } of loaded) log.info("image loaded", { id: image.id, names });
      return loaded.map(({ image, names }) => ({ id: image.id, names }));
    },
    async save(references, target, saving = {}) {
      using _ = leases.begin();
      const images = new Map<string, { image: StoredImage; names: string[] }>();
      for (const reference of references) {
        const image = await catalog.get(reference);
        const one = images.get(image.id) ?? { image, names: [] };
        const byId =
          (await catalog.names(image.id)).find((name) => name === tryNormalise(reference)) === undefined;
        if (!byId) one.names.push(normalise(reference));
        images.set(image.id, one);
      }
      await saveArchive([...images.values()], target, saving.format ?? "oci", blobs);
    },
    async build(building) {
      using _ = leases.begin();
      return await buildImage(kitchen, building);
    },
    async buildBase(making) {
      using _ = leases.begin();
      const note = making.note ?? (() => {});
      const request = baseRequest(making);
      const own =
        request.kind === "debian" ? debianReference(request.packages) : `${baseDomain}/${request.kind}`;
      const names = ((making.tags ?? []).length > 0 ? (making.tags ?? []) : [own]).map(normalise);
      const node = typeof making.node === "string" ? { node: making.node } : nodeOption;
      const id = await baseLock.hold(() => createBase(kitchen, request, names, { note, ...node }));
      return { id, names };
    },
    async prune(pruning = {}) {
      if (pruning.cache === true) await cache.clear();
      return collect();
    },
    imageService: () =>
      createImageService(store, async (reference) => {
        using _ = leases.begin();
        return await kitchen.makeBase(reference, (text) =>
          log.info("making a base image", { reference, doing: text }),
        );
      }),
    async close() {
      await blobs.settle();
      await layers.settle();
    },
  };
  return store;
}

const layout = '{"imageLayoutVersion":"1.0.0"}';

function checkVersion(dir: string): void {
  try {
    const found = JSON.parse(readFileSync(`${dir}/oci-layout`, "utf8")) as { imageLayoutVersion?: string };
    if (found.imageLayoutVersion?.startsWith("1.") === true) return;
    throw damaged(
      `${dir} is an image store of another version (${found.imageLayoutVersion ?? "unknown"}); this wherry reads 1.x`,
    );
  } catch (error) {
    if (errno(error) === "ENOENT") writeFileSync(`${dir}/oci-layout`, layout);
    else if (error instanceof SyntaxError)
      throw damaged(`${dir}/oci-layout is damaged; it should read ${layout}`, error);
    else throw error;
  }
}

function withoutDigest(name: string): string {
  const reference = parseReference(name);
  return formatReference({ ...reference, digest: undefined, tag: reference.tag ?? "latest" });
}

function tryNormalise(text: string): string | undefined {
  try {
    return normalise(text);
  } catch {
    return undefined;
  }
}
