import { CriError } from "../../../cri/index.ts";
import { type Descriptor, mediaTypes, type OciImageConfig, type OciManifest } from "../oci-format.ts";
import type { Kitchen } from "./kitchen.ts";

/**
 * Writes manifest and configuration. An equal result keeps its first creation time, and so its id. `createdSeconds` sets that
 * time (SOURCE_DATE_EPOCH).
 */
export async function imageOf(
  kitchen: Kitchen,
  bare: OciImageConfig,
  layers: readonly Descriptor[],
  createdSeconds?: number,
): Promise<Descriptor> {
  const { history, ...rest } = bare;
  const timeless = history?.map(({ created: _, ...item }) => item);
  const key = kitchen.cache.key("image", rest, timeless ?? null);
  const before = kitchen.cache.find(key);
  const now = new Date(kitchen.clock.now()).toISOString();
  const created =
    createdSeconds !== undefined ? new Date(createdSeconds * 1000).toISOString() : (before?.created ?? now);
  if (before === undefined) await kitchen.cache.put(key, { layer: undefined, created });
  const config: OciImageConfig = {
    created,
    ...rest,
    ...(timeless === undefined ? {} : { history: timeless.map((item) => ({ created, ...item })) }),
  };
  for (const blob of layers) {
    if (!kitchen.blobs.use(blob, kitchen.clock.now())) {
      throw new CriError("Internal", `the blob ${blob.digest} vanished while it was built upon; build again`);
    }
  }
  const manifest: OciManifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: kitchen.blobs.addDocument(mediaTypes.config, config),
    layers: [...layers],
  };
  return kitchen.blobs.addDocument(mediaTypes.manifest, manifest);
}
