import { existsSync } from "node:fs";
import { dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  buildFolder,
  commandNodes,
  type FolderImage,
  type ImageStore,
  openImageStore,
} from "../containers/index.ts";
import { containerBuildRunner } from "./build-runner.ts";
import { ClusterError } from "./cluster-error.ts";
import { type ClusterConfig, readConfig } from "./config/cluster-config.ts";
import { type ClusterChoice, isRoot, placesOf } from "./config/places.ts";

/** A program compiled at set-up, in dist/ beside the bundles. */
export function nativeProgram(name: "wherry-native" | "wherry-nodes"): string {
  const here = fileURLToPath(import.meta.url);
  const folder = extname(here) === ".ts" ? join(dirname(here), "../../dist") : dirname(here);
  const path = join(folder, name);
  if (!existsSync(path)) {
    throw new ClusterError(`${path} is not there: the set-up did not compile it`, {
      hint: "Install a C compiler (Debian: gcc and libc6-dev), and start wherry through ./wherry again.",
    });
  }
  return path;
}

/** The images of a cluster. They can be built and loaded before its first start, and while it runs. */
export async function openClusterImages(choice: ClusterChoice): Promise<ImageStore> {
  const places = placesOf(choice);
  const { dataDir } = readConfig(places) ?? places;
  return openImagesIn(dataDir);
}

export async function openImagesIn(dataDir: string): Promise<ImageStore> {
  const building = containerBuildRunner(() => nativeProgram("wherry-native"));
  const store = await openImageStore({
    dir: join(dataDir, "images"),
    nodes: commandNodes([nativeProgram("wherry-nodes")]),
    ...(isRoot() ? { runner: building.runner } : {}),
  });
  const close = store.close.bind(store);
  store.close = async () => {
    await close();
    await building.close();
  };
  return store;
}

export interface FolderBuild {
  config: Pick<ClusterConfig, "dataDir">;
  /** Folder with manifests, and a folder with a Dockerfile for each image. */
  folder: string;
  onProgress?(text: string): void;
  signal?: AbortSignal;
}

/** Builds changed images that a folder's manifests name and that have a folder there. Returns all of them. */
export async function buildImagesOf({
  config,
  folder,
  onProgress,
  signal,
}: FolderBuild): Promise<FolderImage[]> {
  const store = await openImagesIn(config.dataDir);
  try {
    const built = await buildFolder(folder, store, {
      ...(signal ? { signal } : {}),
      onProgress(image, progress) {
        if (progress.kind === "step") onProgress?.(`image ${image}: ${progress.text}`);
        else if (progress.kind === "note") onProgress?.(`image ${image}: ${progress.text}`);
      },
    });
    for (const { image, cached } of built) if (!cached) onProgress?.(`image ${image} built`);
    return built;
  } finally {
    await store.close();
  }
}
