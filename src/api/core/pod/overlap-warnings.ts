/** Warnings for overlapping paths in a volume. */
import type { Volume, VolumeProjection } from "../../generated/types.ts";

interface File {
  path: string;
  /** The source in projected volumes. */
  source: string;
}

const text = ({ path, source }: File): string =>
  source === "" ? JSON.stringify(path) : `${JSON.stringify(path)} (${source})`;

const files = (items: readonly { path?: string }[], source: string): File[] =>
  items.map(({ path = "" }) => ({ path, source }));

/** Limit of warnings: a response has 4096 characters for them, and each has more than 16. */
const mostTexts = 256;

/** A path component. */
interface Place {
  readonly inside: Map<string, Place>;
  /** Sources with this path, without duplicates. */
  readonly here: Seen[];
  /** Sources with this path or below it, in order. */
  readonly below: Seen[];
}

interface Seen extends File {
  order: number;
}

const newPlace = (): Place => ({ inside: new Map(), here: [], below: [] });

/** Overlaps of `path`: sources at it, above it or below, with their paths. */
function around(root: Place, path: string): { met: Seen[]; way: Place[] } {
  const way: Place[] = [];
  const above: Seen[] = [];
  let place = root;
  for (const part of path.split("/")) {
    for (const each of place.here) above.push(each);
    let next = place.inside.get(part);
    if (!next) place.inside.set(part, (next = newPlace()));
    way.push(next);
    place = next;
  }
  const met = above.concat(place.below).sort((a, b) => a.order - b.order);
  return { met, way };
}

/** All pairs of equal or nested paths, once each, limited to `mostTexts`. */
function overlaps(all: readonly File[]): Iterable<string> {
  const root = newPlace();
  const found = new Set<string>();
  for (const [order, { path, source }] of all.entries()) {
    let end = path.length;
    while (path[end - 1] === "/") end--;
    if (end === 0) continue;
    const file: Seen = { path: path.slice(0, end), source, order };
    const { met, way } = around(root, file.path);
    for (const other of met) {
      found.add(`${text(file)} with ${text(other)}`);
      if (found.size === mostTexts) return found;
    }
    const at = way.at(-1) as Place;
    if (at.here.some((other) => other.source === source)) continue;
    at.here.push(file);
    for (const place of way) place.below.push(file);
  }
  return found;
}

/** Only the first source counts. */
function projected(source: VolumeProjection): File[] {
  const { configMap, secret, downwardAPI, serviceAccountToken } = source;
  if (configMap?.items) return files(configMap.items, `ConfigMap ${JSON.stringify(configMap.name ?? "")}`);
  if (secret?.items) return files(secret.items, `Secret ${JSON.stringify(secret.name ?? "")}`);
  if (downwardAPI?.items) return files(downwardAPI.items, "DownwardAPI");
  if (serviceAccountToken) return files([serviceAccountToken], "ServiceAccountToken");
  return [];
}

export function overlapWarnings(volumes: readonly Volume[]): string[] {
  const warnings: string[] = [];
  for (const { name = "", configMap, secret, downwardAPI, projected: volume } of volumes) {
    const shown = JSON.stringify(name);
    const say = (what: string, list: readonly File[]): void => {
      for (const each of overlaps(list))
        warnings.push(`volume ${shown} (${what}): overlapping paths: ${each}`);
    };
    if (configMap?.items)
      say(`ConfigMap ${JSON.stringify(configMap.name ?? "")}`, files(configMap.items, ""));
    if (secret?.items) say(`Secret ${JSON.stringify(secret.secretName ?? "")}`, files(secret.items, ""));
    if (downwardAPI?.items) say("DownwardAPI", files(downwardAPI.items, ""));
    if (!volume) continue;
    const all: File[] = [];
    for (const source of volume.sources ?? []) {
      if (Object.keys(source).length === 0)
        warnings.push(`volume ${shown} (Projected) has no sources provided`);
      all.push(...projected(source));
    }
    say("Projected", all);
  }
  return warnings;
}
