import type { BytePath } from "./byte-path.ts";

export type EntryType =
  | "file"
  | "hardlink"
  | "symlink"
  | "character-device"
  | "block-device"
  | "directory"
  | "fifo";

/** One member of an archive, with every extension (PAX, GNU) already folded in. */
export interface TarEntry {
  path: BytePath;
  type: EntryType;
  /** Permission bits with set-user-id, set-group-id and sticky; no file type. */
  mode: number;
  uid: number;
  gid: number;
  /** Bytes of a file as a reader sees it, holes included; 0 for everything else. */
  size: number;
  /** Seconds since the epoch, with a fraction when the archive has one. */
  mtime: number;
  /** Target of a hard or symbolic link. */
  linkPath: BytePath;
  major: number;
  minor: number;
  /** Values are bytes (latin1). Keys are whole names such as `security.capability`. */
  xattrs: ReadonlyMap<string, string>;
  /** Where the stored bytes belong, in ascending order; undefined for a file without holes. */
  sparse?: readonly SparseChunk[];
}

export interface SparseChunk {
  offset: number;
  length: number;
}
