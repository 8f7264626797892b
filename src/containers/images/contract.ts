import type { Readable, Writable } from "node:stream";
import type { ImageService } from "../../cri/index.ts";
import type { ArchiveFormat } from "./archive/save.ts";
import type { BuildOptions, BuiltImage } from "./build/build.ts";
import type { OciImageConfig } from "./oci-format.ts";
import type { Collected } from "./store/garbage.ts";

/**
 * The images of one cluster, on disk. Several processes may have the same store open: what one writes, the others see
 * with their next call. Errors are CriError with a sentence for people.
 */
export interface ImageStore {
  readonly dir: string;
  /** What a container needs: undefined when there is no such image. `reference` is a name or an id. */
  resolve(reference: string): Promise<ResolvedImage | undefined>;
  inspect(reference: string): Promise<ImageDetails | undefined>;
  /** Sorted by name. */
  list(): Promise<ImageDetails[]>;
  tag(source: string, target: string): Promise<void>;
  /** Takes a name away (all names, given an id), and the content with the last one. NotFound when there is none. */
  remove(reference: string): Promise<RemovedImage>;
  /** An OCI or docker archive, plain, gzip or zstd. `name` for an archive that has one image and no name. */
  load(source: string | Readable, options?: { name?: string }): Promise<{ id: string; names: string[] }[]>;
  save(
    references: readonly string[],
    target: string | Writable,
    options?: { format?: ArchiveFormat },
  ): Promise<void>;
  /** Builds from a Dockerfile. */
  build(options: BuildOptions): Promise<BuiltImage>;
  /**
   * Makes a base image out of Debian packages, or out of wherry's own Node; newest packages each time. Without tags it is
   * called `wherry.local/debian/...` or `wherry.local/node`, the names under which FROM and pods make it by themselves.
   */
  buildBase(options: {
    packages?: readonly string[];
    /** True, or the path of another Node. */
    node?: boolean | string;
    tags?: readonly string[];
    note?: (text: string) => void;
  }): Promise<{ id: string; names: string[] }>;
  /** Removes what nothing uses, with `cache` also the build cache. */
  prune(options?: { cache?: boolean }): Promise<Collected>;
  imageService(): ImageService;
  /** Waits for what goes on in the background. */
  close(): Promise<void>;
}

export interface ResolvedImage {
  /** `sha256:...` of the configuration. */
  id: string;
  config: OciImageConfig;
  /** overlayfs lower directories, lowest first. */
  layers: string[];
}

export interface ImageDetails {
  id: string;
  /** Full references. */
  names: string[];
  manifestDigest: string;
  /** Bytes of manifest, configuration and layers as they are stored. */
  size: number;
  config: OciImageConfig;
  layers: { digest: string; diffId: string; mediaType: string; size: number }[];
}

export interface RemovedImage {
  id: string;
  /** Names taken away. */
  untagged: string[];
  collected: Collected;
}
