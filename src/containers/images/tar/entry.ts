import type { BytePath } from "./byte-path.ts";

export type EntryType =
  | "file"
  | "hardlink"
  | "symlink"
  | "character-device"
  | "block-device"
  | "directory"
  | "fifo";

/** A member of an archive, with all extensions (PAX, GNU) applied. */
export interface TarEntry {
  path: BytePath;
  type: EntryType;
  /** Permission bits with set-user-id, set-group-id and sticky; no file type. */
  mode: number;
  uid: number;
  gid: number;
  /** Size of a file including holes; 0 for others. */
  size: number;
  /** Seconds since the epoch, with a fraction when the archive has one. */
  mtime: number;
  /** Target of a hard or symbolic link. */
  linkPath: BytePath;
  major: number;
  minor: number;
  /** Values are bytes (latin1). Keys are full names such as `security.capability`. */
  xattrs: ReadonlyMap<string, string>;
  /** Offsets of the stored bytes, ascending; undefined for a file without holes. */
  sparse?: readonly SparseChunk[];
}

export interface SparseChunk {
  offset: number;
  length: number;
}
