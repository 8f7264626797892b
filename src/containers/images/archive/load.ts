import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import type { Readable } from "node:stream";
import { errno, explain, invalid, notFound } from "../image-error.ts";
import { decompressed, sniffCompression } from "../layer/compression.ts";
import {
  type Descriptor,
  isIndex,
  mediaTypes,
  type OciImageConfig,
  type OciIndex,
  type OciManifest,
  refNameAnnotation,
} from "../oci-format.ts";
import { digestPattern, normalise } from "../reference.ts";
import { type Blobs, parseDocument } from "../store/blobs.ts";
import type { Catalog, StoredImage } from "../store/catalog.ts";
import { showBytePath } from "../tar/byte-path.ts";
import { TarReader } from "../tar/reader.ts";
import { TarError } from "../tar/tar-error.ts";
import { ArchiveSpool, type SpooledFile } from "./spool.ts";

export interface LoadedImage {
  image: StoredImage;
  /** Full references; none when the archive has no names. */
  names: string[];
}

interface Found {
  target: Descriptor;
  names: string[];
}

/** Images in docker's format (`manifest.json`). */
interface DockerManifestItem {
  Config: string;
  RepoTags?: string[] | null;
  Layers: string[];
}

/**
 * Loads an OCI layout or docker archive, plain, gzip or zstd. Names are assigned only when everything is complete and verified.
 * `name` is for archives with one unnamed image.
 */
export async function loadArchive(
  source: string | Readable,
  blobs: Blobs,
  catalog: Catalog,
  unpack: (image: StoredImage) => Promise<unknown>,
  name?: string,
): Promise<LoadedImage[]> {
  const what = typeof source === "string" ? source : "the archive";
  const stream = typeof source === "string" ? await openFile(source) : source;
  const spool = new ArchiveSpool(blobs);
  try {
    const reader = new TarReader(spool);
    for await (const chunk of decompressed(stream)) reader.write(chunk);
    reader.finish();
  } catch (error) {
    if (error instanceof TarError) throw invalid(`${what} cannot be read: ${error.message}`, error);
    throw explain(error, `loading ${what}`);
  } finally {
    spool.abandon();
  }
  const found = findImages(spool, blobs, what);
  if (name !== undefined) {
    if (found.length !== 1)
      throw invalid(`${what} holds ${found.length} images, so one name cannot be given to it`);
    (found[0] as Found).names = [normalise(name)];
  }
  const loaded: LoadedImage[] = [];
  for (const { target, names } of found) {
    const image = await catalog.load(target);
    for (const layer of image.manifest.layers) {
      if (blobs.size(layer.digest) === undefined) throw invalid(`${what} lacks the layer ${layer.digest}`);
    }
    await unpack(image);
    loaded.push({ image, names });
  }
  for (const { image, names } of loaded)
    await catalog.publish(names.length > 0 ? names : [unnamed(image)], image.target);
  return loaded;
}

/** Images are kept by name; unnamed ones get a generated one. */
const unnamed = (image: StoredImage): string => `wherry.local/unnamed:${image.id.slice(7, 19)}`;

function findImages(spool: ArchiveSpool, blobs: Blobs, what: string): Found[] {
  const docker = spool.get("manifest.json")?.content;
  const items =
    docker === undefined ? [] : parseDocument<DockerManifestItem[]>(docker, `manifest.json of ${what}`);
  const index = spool.get("index.json")?.content;
  if (index !== undefined)
    return ociImages(parseDocument<OciIndex>(index, `index.json of ${what}`), spool, items, what);
  if (docker !== undefined) {
    if (!Array.isArray(items)) throw invalid(`manifest.json of ${what} is not a list of images`);
    return items.map((item) => dockerImage(item, spool, blobs, what));
  }
  throw invalid(
    `${what} is not an image archive: it has neither index.json (OCI) nor manifest.json (docker). "wherry image save", "docker save" and "skopeo copy" make such archives`,
  );
}

function ociImages(index: OciIndex, spool: ArchiveSpool, items: DockerManifestItem[], what: string): Found[] {
  if (!Array.isArray(index.manifests)) throw invalid(`index.json of ${what} names no manifests`);
  const found = new Map<string, Found>();
  for (const target of index.manifests) {
    if (!digestPattern.test(target.digest))
      throw invalid(`index.json of ${what} has a digest that is none: "${target.digest}"`);
    const file = spool.get(`blobs/sha256/${target.digest.slice(7)}`);
    if (file === undefined) throw invalid(`${what} lacks the manifest ${target.digest}`);
    if (file.digest !== target.digest) {
      throw invalid(
        `${what}: the content of ${target.digest} does not match its digest (it is ${file.digest})`,
      );
    }
    const one = found.get(target.digest) ?? {
      target: { mediaType: target.mediaType, digest: target.digest, size: file.size },
      names: [],
    };
    const name = target.annotations?.["io.containerd.image.name"] ?? target.annotations?.[refNameAnnotation];
    // A tag without a name, as written by `skopeo copy ... oci-archive:x.tar:7.0`, is no image name.
    if (name !== undefined && /[/:]/.test(name)) one.names.push(normalise(name));
    else if (name !== undefined && items.length === 0) one.names.push(normalise(name));
    found.set(target.digest, one);
  }
  // Docker writes both formats; its own has the users' names.
  for (const one of found.values()) {
    const manifest = spool.get(`blobs/sha256/${one.target.digest.slice(7)}`)?.content;
    if (manifest === undefined || isIndex(one.target.mediaType)) continue;
    const id = parseDocument<OciManifest>(manifest, one.target.digest).config?.digest;
    for (const item of items) {
      if (spool.get(item.Config)?.digest === id) one.names.push(...(item.RepoTags ?? []).map(normalise));
    }
    one.names = [...new Set(one.names)];
  }
  return [...found.values()];
}

function dockerImage(item: DockerManifestItem, spool: ArchiveSpool, blobs: Blobs, what: string): Found {
  if (typeof item?.Config !== "string" || !Array.isArray(item.Layers)) {
    throw invalid(`manifest.json of ${what} has an image without configuration or layers`);
  }
  const config = need(spool, item.Config, what);
  if (config.content === undefined)
    throw invalid(`${item.Config} in ${what} is too large for a configuration`);
  parseDocument<OciImageConfig>(config.content, `${item.Config} in ${what}`);
  const manifest: OciManifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: { mediaType: mediaTypes.config, digest: config.digest, size: config.size },
    layers: item.Layers.map((path) => {
      const file = need(spool, path, what);
      const kind = sniffCompression(file.head);
      const mediaType =
        kind === "gzip" ? mediaTypes.layerGzip : kind === "zstd" ? mediaTypes.layerZstd : mediaTypes.layer;
      return { mediaType, digest: file.digest, size: file.size };
    }),
  };
  const target = blobs.addDocument(mediaTypes.manifest, manifest);
  return { target, names: (item.RepoTags ?? []).map(normalise) };
}

function need(spool: ArchiveSpool, path: string, what: string): SpooledFile {
  const file = spool.get(path);
  if (file === undefined) throw invalid(`${what} lacks ${showBytePath(path)}, which its manifest.json names`);
  return file;
}

async function openFile(path: string): Promise<Readable> {
  try {
    if ((await stat(path)).isDirectory()) {
      throw invalid(
        `${path} is a directory; an archive is one file (skopeo copy oci:${path} oci-archive:FILE makes one)`,
      );
    }
  } catch (error) {
    if (errno(error) === "ENOENT") throw notFound(`there is no file ${path}`);
    throw error;
  }
  return createReadStream(path, { highWaterMark: 256 << 10 });
}
