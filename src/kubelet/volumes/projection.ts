import type { ConfigMap, DownwardAPIVolumeFile, KeyToPath, Secret } from "../../api/index.ts";
import { type DownwardContext, downwardField, downwardResource } from "../containers/downward.ts";
import type { ProjectedFile } from "./atomic-writer.ts";

export type Files = Map<string, ProjectedFile>;

/** A volume cannot be set up now; the message becomes a FailedMount event, and it is retried. */
export class VolumeError extends Error {
  override readonly name = "VolumeError";
}

/** Files of a ConfigMap: all keys, or those in `items`. */
export function configMapFiles(
  map: ConfigMap | undefined,
  items: readonly KeyToPath[] | undefined,
  defaultMode: number,
  optional: boolean,
): Files {
  const content = new Map<string, Uint8Array>();
  for (const [key, value] of Object.entries(map?.data ?? {})) content.set(key, Buffer.from(value, "utf8"));
  for (const [key, value] of Object.entries(map?.binaryData ?? {})) {
    content.set(key, Buffer.from(value as string, "base64"));
  }
  return select(content, items, defaultMode, optional, "configmap");
}

export function secretFiles(
  secret: Secret | undefined,
  items: readonly KeyToPath[] | undefined,
  defaultMode: number,
  optional: boolean,
): Files {
  const content = new Map<string, Uint8Array>();
  for (const [key, value] of Object.entries(secret?.data ?? {})) {
    content.set(key, Buffer.from(value as string, "base64"));
  }
  return select(content, items, defaultMode, optional, "secret");
}

export function downwardFiles(
  items: readonly DownwardAPIVolumeFile[],
  context: DownwardContext,
  defaultMode: number,
): Files {
  const files: Files = new Map();
  for (const item of items) {
    const value = item.fieldRef
      ? downwardField(context, item.fieldRef.fieldPath)
      : item.resourceFieldRef
        ? downwardResource(context, item.resourceFieldRef, undefined)
        : "";
    if (value === undefined) throw new VolumeError(`downward API field of ${item.path} is not supported`);
    files.set(item.path, { content: Buffer.from(value, "utf8"), mode: item.mode ?? defaultMode });
  }
  return files;
}

function select(
  content: Map<string, Uint8Array>,
  items: readonly KeyToPath[] | undefined,
  defaultMode: number,
  optional: boolean,
  kind: string,
): Files {
  const files: Files = new Map();
  if (!items || items.length === 0) {
    for (const [key, bytes] of content) files.set(key, { content: bytes, mode: defaultMode });
    return files;
  }
  for (const item of items) {
    const bytes = content.get(item.key);
    if (!bytes) {
      if (optional) continue;
      throw new VolumeError(`references non-existent ${kind} key: ${item.key}`);
    }
    files.set(item.path, { content: bytes, mode: item.mode ?? defaultMode });
  }
  return files;
}
