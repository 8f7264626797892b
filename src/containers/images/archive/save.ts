import { createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { CriError } from "../../../cri/index.ts";
import { explain } from "../image-error.ts";
import { decompressed } from "../layer/compression.ts";
import { type Descriptor, isIndex, mediaTypes, type OciIndex, refNameAnnotation } from "../oci-format.ts";
import { familiar } from "../reference.ts";
import type { Blobs } from "../store/blobs.ts";
import type { StoredImage } from "../store/catalog.ts";
import { encodeEntry, encodeHeader, padding, trailer } from "../tar/writer.ts";

export type ArchiveFormat = "oci" | "docker";

export interface ImageToSave {
  image: StoredImage;
  /** Full references to include in the archive. */
  names: string[];
}

/** Writes images as one archive, streaming. Reproducible: equal images result in equal bytes. Files are written atomically. */
export async function saveArchive(
  images: readonly ImageToSave[],
  target: string | Writable,
  format: ArchiveFormat,
  blobs: Blobs,
): Promise<void> {
  if (images.length === 0) throw new CriError("InvalidArgument", "no image was named to be saved");
  const content = Readable.from(format === "oci" ? ociArchive(images, blobs) : dockerArchive(images, blobs), {
    objectMode: false,
  });
  if (typeof target !== "string") {
    await pipeline(content, target, { end: false });
    return;
  }
  const temporary = `${target}.partial`;
  try {
    await pipeline(content, createWriteStream(temporary));
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    throw explain(error, `writing ${target}`);
  }
}

async function* ociArchive(images: readonly ImageToSave[], blobs: Blobs): AsyncGenerator<Buffer> {
  const wanted = new Map<string, Descriptor>();
  const index: OciIndex = { schemaVersion: 2, mediaType: mediaTypes.index, manifests: [] };
  for (const { image, names } of images) {
    wanted.set(image.target.digest, image.target);
    if (isIndex(image.target.mediaType)) {
      const size = blobs.size(image.manifestDigest) ?? 0;
      wanted.set(image.manifestDigest, {
        mediaType: mediaTypes.manifest,
        digest: image.manifestDigest,
        size,
      });
    }
    for (const blob of [image.manifest.config, ...image.manifest.layers]) wanted.set(blob.digest, blob);
    const { mediaType, digest, size } = image.target;
    if (names.length === 0) index.manifests.push({ mediaType, digest, size });
    for (const name of names) {
      index.manifests.push({ mediaType, digest, size, annotations: { [refNameAnnotation]: name } });
    }
  }
  yield encodeEntry({ path: "oci-layout", type: "file" }, Buffer.from('{"imageLayoutVersion":"1.0.0"}'));
  yield encodeEntry({ path: "index.json", type: "file" }, Buffer.from(JSON.stringify(index)));
  yield encodeEntry({ path: "blobs", type: "directory", mode: 0o755 });
  yield encodeEntry({ path: "blobs/sha256", type: "directory", mode: 0o755 });
  for (const digest of [...wanted.keys()].sort())
    yield* blobFile(`blobs/sha256/${digest.slice(7)}`, digest, blobs);
  yield trailer();
}

/** Docker reads only uncompressed layers, and needs short names. */
async function* dockerArchive(images: readonly ImageToSave[], blobs: Blobs): AsyncGenerator<Buffer> {
  const items: { Config: string; RepoTags: string[]; Layers: string[] }[] = [];
  const done = new Set<string>();
  for (const { image, names } of images) {
    const config = `${image.id.slice(7)}.json`;
    const diffIds = image.config.rootfs.diff_ids;
    items.push({
      Config: config,
      RepoTags: names.map(familiar),
      Layers: diffIds.map((id) => `${id.slice(7)}.tar`),
    });
    if (!done.has(config)) yield* blobFile(config, image.id, blobs);
    done.add(config);
    for (const [at, diffId] of diffIds.entries()) {
      if (done.has(diffId)) continue;
      done.add(diffId);
      yield* layerFile(`${diffId.slice(7)}.tar`, image.manifest.layers[at] as Descriptor, blobs);
    }
  }
  yield encodeEntry({ path: "manifest.json", type: "file" }, Buffer.from(JSON.stringify(items)));
  yield trailer();
}

async function* blobFile(path: string, digest: string, blobs: Blobs): AsyncGenerator<Buffer> {
  const size = blobs.size(digest);
  if (size === undefined)
    throw new CriError("Internal", `the blob ${digest} is missing from the image store`);
  yield encodeHeader({ path, type: "file", size });
  for await (const chunk of blobs.stream(digest)) yield chunk as Buffer;
  yield padding(size);
}

/** The uncompressed size of a layer is only known at its end, so it is read twice. */
async function* layerFile(path: string, layer: Descriptor, blobs: Blobs): AsyncGenerator<Buffer> {
  if (layer.mediaType === mediaTypes.layer) {
    yield* blobFile(path, layer.digest, blobs);
    return;
  }
  let size = 0;
  for await (const chunk of decompressed(blobs.stream(layer.digest))) size += chunk.length;
  yield encodeHeader({ path, type: "file", size });
  yield* decompressed(blobs.stream(layer.digest));
  yield padding(size);
}
