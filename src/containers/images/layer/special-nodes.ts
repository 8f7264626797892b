import type { BytePath } from "../tar/byte-path.ts";

/**
 * What Node's `fs` cannot do: make device nodes and fifos, set and read extended attributes. Done in one batch per
 * layer, after its ordinary files. Paths are absolute.
 */
export interface SpecialNodes {
  apply(operations: readonly NodeOperation[]): Promise<void>;
  /** Extended attributes of everything below `root` that has any, by path relative to it ("" is the root). */
  readXattrs(root: BytePath): Promise<Map<BytePath, Map<string, string>>>;
  /** Flushes the file system that holds `path`. */
  sync(path: string): Promise<void>;
}

export type NodeOperation =
  | {
      kind: "node";
      path: BytePath;
      type: "character-device" | "block-device" | "fifo";
      mode: number;
      uid: number;
      gid: number;
      major: number;
      minor: number;
    }
  | { kind: "xattr"; path: BytePath; name: string; value: string };

/** overlayfs: a character device 0/0 in an upper layer hides the name below (kernel, filesystems/overlayfs). */
export const whiteoutNode = (path: BytePath): NodeOperation => ({
  kind: "node",
  path,
  type: "character-device",
  mode: 0,
  uid: 0,
  gid: 0,
  major: 0,
  minor: 0,
});

/** overlayfs: a directory with this attribute hides everything that lower layers have in it. */
export const opaqueAttribute = "trusted.overlay.opaque";
