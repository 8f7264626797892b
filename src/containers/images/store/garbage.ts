import { readdirSync, readFileSync, statSync } from "node:fs";
import { rm } from "node:fs/promises";
import type { Layers } from "../layer/layers.ts";
import { isIndex, type OciIndex } from "../oci-format.ts";
import type { Blobs } from "./blobs.ts";
import type { Catalog } from "./catalog.ts";
import type { Leases } from "./leases.ts";
import type { StoreLock } from "./lock.ts";

export interface Collected {
  blobs: number;
  layers: number;
  /** Freed bytes, by the sizes of blobs and layers' files. */
  bytes: number;
}

export interface GarbageRoots {
  root: string;
  blobs: Blobs;
  layers: Layers;
  catalog: Catalog;
  lock: StoreLock;
  leases: Leases;
  /** Digests of blobs, and diff ids, that the build cache uses. */
  cached: () => { blobs: string[]; diffIds: string[] };
}

/**
 * Removes everything without a name, cache entry, mount or active operation. Under the lock, so that no name is added
 * meanwhile; what active operations create or use is newer than their lease.
 */
export function collectGarbage(roots: GarbageRoots): Promise<Collected> {
  return roots.lock.hold(async () => {
    const young = roots.leases.oldest();
    const blobs = new Set<string>();
    const keys = new Set<string>();
    for await (const image of roots.catalog.each()) {
      blobs.add(image.target.digest).add(image.manifestDigest).add(image.manifest.config.digest);
      for (const layer of image.manifest.layers) blobs.add(layer.digest);
      for (const key of roots.layers.keys(image.config.rootfs.diff_ids)) keys.add(key);
      if (isIndex(image.target.mediaType)) {
        const index = await roots.blobs.document<OciIndex>(image.target.digest);
        for (const descriptor of index.manifests) blobs.add(descriptor.digest);
      }
    }
    const cached = roots.cached();
    for (const digest of cached.blobs) blobs.add(digest);
    for (const key of cached.diffIds.flatMap((diffId) => roots.layers.keys([diffId]))) keys.add(key);
    const mounts = mountedPaths();
    const result: Collected = { blobs: 0, layers: 0, bytes: 0 };
    for (const digest of await roots.blobs.list()) {
      if (blobs.has(digest) || roots.blobs.usedAt(digest) >= young) continue;
      result.bytes += roots.blobs.size(digest) ?? 0;
      result.blobs++;
      await roots.blobs.remove(digest);
    }
    for (const key of await roots.layers.list()) {
      if (keys.has(key) || roots.layers.usedAt(key) >= young || mounts.includes(key)) continue;
      result.bytes += roots.layers.meta(key)?.bytes ?? 0;
      result.layers++;
      await roots.layers.remove(key);
    }
    await sweepTemporary(roots.root, young);
    return result;
  });
}

/** Incomplete files of failed operations. */
export async function sweepTemporary(root: string, young: number): Promise<void> {
  for (const name of readdirSync(`${root}/tmp`)) {
    const path = `${root}/tmp/${name}`;
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat !== undefined && stat.mtimeMs < young) await rm(path, { recursive: true, force: true });
  }
}

/** The mount tables of all mount namespaces as one text: a container's root is mounted in its own. */
function mountedPaths(): string {
  const seen = new Set<string>();
  let text = "";
  for (const pid of readdirSync("/proc").filter((name) => /^[0-9]+$/.test(name))) {
    try {
      const namespace = String(statSync(`/proc/${pid}/ns/mnt`, { bigint: true }).ino);
      if (seen.has(namespace)) continue;
      text += readFileSync(`/proc/${pid}/mountinfo`, "latin1");
      seen.add(namespace);
    } catch {
      // The process has ended, or is not accessible.
    }
  }
  return text;
}
