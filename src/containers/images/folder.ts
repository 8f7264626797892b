import { readdirSync, readFileSync, statSync } from "node:fs";
import { posix } from "node:path";
import { parseYamlDocuments } from "../../machinery/index.ts";
import type { OnProgress } from "./build/progress.ts";
import type { ImageStore } from "./contract.ts";
import { normalise, parseReference } from "./reference.ts";

export interface FolderOptions {
  /** Images to consider; default: those in the folder's own manifests. */
  images?: readonly string[];
  buildArgs?: Readonly<Record<string, string>>;
  noCache?: boolean;
  onProgress?: (image: string, progress: Parameters<OnProgress>[0]) => void;
  signal?: AbortSignal;
}

export interface FolderImage {
  /** As in the manifests. */
  image: string;
  /** The folder it was built from. */
  context: string;
  id: string;
  /** It existed and is unchanged. */
  cached: boolean;
  /** The image that had the name before, if another: running containers still use it. */
  replaced?: string;
}

/**
 * Builds the images of a folder of manifests. The image `[registry/][path/]NAME[:TAG]` is built from the folder `NAME/` beside
 * the manifests, if that has a Dockerfile. The tag is passed as the build argument IMAGE_TAG. Other images and folders are
 * ignored.
 */
export async function buildFolder(
  folder: string,
  store: ImageStore,
  options: FolderOptions = {},
): Promise<FolderImage[]> {
  const images = options.images ?? folderImages(folder);
  const built: FolderImage[] = [];
  const done = new Set<string>();
  for (const image of images) {
    const context = imageFolder(folder, image);
    if (context === undefined || done.has(normalise(image))) continue;
    done.add(normalise(image));
    const { onProgress, signal } = options;
    const before = await store.inspect(image);
    const { id, cached } = await store.build({
      context,
      tags: [image],
      buildArgs: { IMAGE_TAG: parseReference(image).tag ?? "latest", ...options.buildArgs },
      ...(options.noCache === undefined ? {} : { noCache: options.noCache }),
      ...(onProgress === undefined ? {} : { onProgress: (progress) => onProgress(image, progress) }),
      ...(signal === undefined ? {} : { signal }),
    });
    const replaced = before === undefined || before.id === id ? {} : { replaced: before.id };
    built.push({ image, context, id, cached, ...replaced });
  }
  return built;
}

/** The folder that an image is built from, or undefined. */
export function imageFolder(folder: string, image: string): string | undefined {
  let name: string;
  try {
    const reference = parseReference(image);
    if (reference.digest !== undefined) return undefined;
    name = reference.path.slice(reference.path.lastIndexOf("/") + 1);
  } catch {
    // An invalid reference is reported by the API server or the kubelet.
    return undefined;
  }
  const context = posix.join(folder, name);
  const dockerfile = statSync(posix.join(context, "Dockerfile"), { throwIfNoEntry: false });
  return dockerfile?.isFile() ? context : undefined;
}

/** Images in the manifests directly in a folder, in order. */
export function folderImages(folder: string): string[] {
  const files = readdirSync(folder).filter((name) => /\.(ya?ml|json)$/.test(name));
  const found = new Set<string>();
  for (const name of files.sort()) {
    const path = posix.join(folder, name);
    for (const { value } of parseYamlDocuments(readFileSync(path, "utf8"), path)) collectImages(value, found);
  }
  return [...found];
}

/** Every `image` of a container in pod specs at any level; and images mounted as volumes. */
function collectImages(value: unknown, found: Set<string>): void {
  if (typeof value !== "object" || value === null) return;
  for (const [key, item] of Object.entries(value)) {
    if (/^(containers|initContainers|ephemeralContainers)$/.test(key) && Array.isArray(item)) {
      for (const container of item) {
        const image = (container as { image?: unknown } | null)?.image;
        if (typeof image === "string" && image !== "") found.add(image);
      }
    }
    if (key === "volumes" && Array.isArray(item)) {
      for (const volume of item) {
        const reference = (volume as { image?: { reference?: unknown } } | null)?.image?.reference;
        if (typeof reference === "string" && reference !== "") found.add(reference);
      }
    }
    collectImages(item, found);
  }
}
