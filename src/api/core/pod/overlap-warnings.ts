/** Files of one volume that get in each other's way. */
import type { Volume, VolumeProjection } from "../../generated/types.ts";

interface File {
  path: string;
  /** What writes it, in projected volumes. */
  source: string;
}

const text = ({ path, source }: File): string =>
  source === "" ? JSON.stringify(path) : `${JSON.stringify(path)} (${source})`;

const files = (items: readonly { path?: string }[], source: string): File[] =>
  items.map(({ path = "" }) => ({ path, source }));

function within(outer: string, inner: string): boolean {
  return `${inner}/`.startsWith(`${outer}/`);
}

/** Every pair of which one is the other or lies below it. */
function overlaps(all: readonly File[]): string[] {
  const seen: File[] = [];
  const found: string[] = [];
  for (const { path, source } of all) {
    const file = { path: path.replace(/\/+$/, ""), source };
    if (file.path !== "")
      for (const other of seen)
        if (other.path !== "" && (within(other.path, file.path) || within(file.path, other.path)))
          found.push(`${text(file)} with ${text(other)}`);
    seen.push(file);
  }
  return found;
}

/** Only the first kind of source that is there counts. */
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
