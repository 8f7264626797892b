import type { Readable, Writable } from "node:stream";
import type { ImageService } from "../../cri/index.ts";
import type { ArchiveFormat } from "./archive/save.ts";
import type { BuildOptions, BuiltImage } from "./build/build.ts";
import type { OciImageConfig } from "./oci-format.ts";
import type { Collected } from "./store/garbage.ts";

/**
 * A cluster's images on disk. Several processes may open a store: each sees the others' changes with its next call. Errors are
 * CriError with a message for users.
 */
export interface ImageStore {
  readonly dir: string;
  /** An image for a container; undefined when it does not exist. `reference` is a name or an id. */
  resolve(reference: string): Promise<ResolvedImage | undefined>;
  inspect(reference: string): Promise<ImageDetails | undefined>;
  /** Sorted by name. */
  list(): Promise<ImageDetails[]>;
  tag(source: string, target: string): Promise<void>;
  /** Removes a name (all names, given an id), and the content with the last one. NotFound when there is none. */
  remove(reference: string): Promise<RemovedImage>;
  /** An OCI or docker archive, plain, gzip or zstd. `name` for an archive with one unnamed image. */
  load(source: string | Readable, options?: { name?: string }): Promise<{ id: string; names: string[] }[]>;
  save(
    references: readonly string[],
    target: string | Writable,
    options?: { format?: ArchiveFormat },
  ): Promise<void>;
  /** Builds from a Dockerfile. */
  build(options: BuildOptions): Promise<BuiltImage>;
  /**
   * Builds a base image of Debian packages, or of wherry's own Node; always with the newest packages. Default tags are
   * `wherry.local/debian/...` or `wherry.local/node`, which FROM and pods build on demand.
   */
  buildBase(options: {
    packages?: readonly string[];
    /** True, or the path of another Node. */
    node?: boolean | string;
    tags?: readonly string[];
    note?: (text: string) => void;
  }): Promise<{ id: string; names: string[] }>;
  /** Removes unused content, with `cache` also the build cache. */
  prune(options?: { cache?: boolean }): Promise<Collected>;
  imageService(): ImageService;
  /** Waits for background operations. */
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
  /** Stored bytes of manifest, configuration and layers. */
  size: number;
  config: OciImageConfig;
  layers: { digest: string; diffId: string; mediaType: string; size: number }[];
}

export interface RemovedImage {
  id: string;
  /** Removed names. */
  untagged: string[];
  collected: Collected;
}
