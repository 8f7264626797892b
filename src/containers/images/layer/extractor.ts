import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  ftruncateSync,
  futimesSync,
  lchownSync,
  chmodSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeSync,
} from "node:fs";
import { errno } from "../image-error.ts";
import { type BytePath, showBytePath, toBytePath, toFsPath } from "../tar/byte-path.ts";
import type { TarEntry } from "../tar/entry.ts";
import type { TarSink } from "../tar/reader.ts";
import { TarError } from "../tar/tar-error.ts";
import { components, ScopedPath } from "./scoped-path.ts";
import { type NodeOperation, opaqueAttribute, type SpecialNodes, whiteoutNode } from "./special-nodes.ts";

export interface ExtractOptions {
  /** Sets the archive's owners; needs root. */
  owners: boolean;
  /** `.wh.` names are deletions in layers (OCI layer specification), and ordinary names in other archives. */
  whiteouts: boolean;
}

export interface Extracted {
  bytes: number;
  inodes: number;
  /** Opaque directories, which hide lower layers; "" is the layer's own root. */
  opaque: string[];
  /** Directories that the archive uses but does not contain: they have the attributes of those below. */
  implicit: string[];
}

const createFlags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/**
 * Extracts an archive to a new root directory, as an overlayfs lower directory. Nothing outside the root is created, changed,
 * linked or removed, whatever the archive contains: every parent is resolved inside the root, the last component is never
 * followed, and files are always created new.
 */
export class Extractor implements TarSink {
  readonly #root: ScopedPath;
  readonly #options: ExtractOptions;
  readonly #special = new Map<BytePath, NodeOperation>();
  readonly #xattrs = new Map<BytePath, ReadonlyMap<string, string>>();
  readonly #late: { target: BytePath; path: BytePath }[] = [];
  readonly #times = new Map<BytePath, number>();
  readonly #opaque = new Set<BytePath>();
  readonly #implicit = new Set<BytePath>();
  #bytes = 0;
  #inodes = 0;
  #file: { fd: number; entry: TarEntry; piece: number; done: number; at: number } | undefined;

  constructor(root: string, options: ExtractOptions) {
    this.#options = options;
    this.#root = new ScopedPath(toBytePath(root), (made) => {
      this.#implicit.add(made);
      this.#inodes++;
      // Deleted and recreated without an entry: lower content must stay hidden.
      if (this.#special.delete(made)) this.#opaque.add(made);
    });
  }

  entry(entry: TarEntry): void {
    try {
      this.#entry(entry);
    } catch (error) {
      throw this.#blame(error, entry.path);
    }
  }

  data(chunk: Buffer): void {
    const file = this.#file;
    if (file === undefined) return;
    try {
      const pieces = file.entry.sparse;
      if (pieces === undefined) {
        writeAll(file.fd, chunk, file.at);
        file.at += chunk.length;
        return;
      }
      let from = 0;
      while (from < chunk.length) {
        const piece = pieces[file.piece];
        if (piece === undefined) throw new TarError("more data than its sparse map has");
        const take = Math.min(piece.length - file.done, chunk.length - from);
        writeAll(file.fd, chunk.subarray(from, from + take), piece.offset + file.done);
        from += take;
        file.done += take;
        if (file.done === piece.length) {
          file.piece++;
          file.done = 0;
        }
      }
    } catch (error) {
      throw this.#blame(error, file.entry.path);
    }
  }

  close(): void {
    const file = this.#file;
    if (file === undefined) return;
    const { fd, entry } = file;
    try {
      if (entry.sparse !== undefined) ftruncateSync(fd, entry.size);
      if (this.#options.owners) fchownSync(fd, owner(entry.uid), owner(entry.gid));
      fchmodSync(fd, entry.mode);
      futimesSync(fd, entry.mtime, entry.mtime);
      this.#bytes += entry.size;
    } catch (error) {
      throw this.#blame(error, entry.path);
    } finally {
      this.#file = undefined;
      closeSync(fd);
    }
  }

  /** Closes the descriptor of an incomplete file; for cleanup after an error. */
  abandon(): void {
    if (this.#file === undefined) return;
    closeSync(this.#file.fd);
    this.#file = undefined;
  }

  /** Creates special files, and sets the directories' times last, since writing into them changes these. */
  async finish(nodes: SpecialNodes): Promise<Extracted> {
    const operations: NodeOperation[] = [...this.#special.values()];
    for (const [path, attributes] of this.#xattrs) {
      for (const [name, value] of attributes) {
        operations.push({ kind: "xattr", path: this.#root.absolute(path), name, value });
      }
    }
    for (const path of this.#opaque) {
      if (path === "") continue;
      operations.push({ kind: "xattr", path: this.#root.absolute(path), name: opaqueAttribute, value: "y" });
    }
    if (operations.length > 0) await nodes.apply(operations);
    for (const path of this.#implicit) chmodSync(this.#fs(path), 0o755);
    for (const { target, path } of this.#late) {
      linkSync(toFsPath(this.#root.absolute(target)), toFsPath(this.#root.absolute(path)));
    }
    for (const [path, mtime] of this.#times) utimesSync(toFsPath(this.#root.absolute(path)), mtime, mtime);
    return {
      bytes: this.#bytes,
      inodes: this.#inodes + this.#special.size,
      opaque: [...this.#opaque].sort(),
      implicit: [...this.#implicit].sort(),
    };
  }

  #entry(entry: TarEntry): void {
    const parts = components(entry.path);
    const name = parts.at(-1);
    if (name === undefined) {
      // umoci's CVE-2021-29136: an entry "." that is a link would replace the root itself.
      if (entry.type !== "directory") throw new TarError("the layer's root is not a directory");
      this.#attributes("", entry);
      return;
    }
    if (this.#options.whiteouts && name.startsWith(".wh.")) {
      this.#whiteout(parts, name);
      return;
    }
    const path = this.#root.place(entry.path, true) as BytePath;
    const hidden = this.#special.delete(path);
    switch (entry.type) {
      case "directory":
        this.#directory(path, entry, hidden);
        return;
      case "file":
        this.#fresh(path, (absolute) => {
          const fd = openSync(absolute, createFlags, 0o600);
          this.#file = { fd, entry, piece: 0, done: 0, at: 0 };
        });
        break;
      case "symlink":
        if (entry.linkPath === "") throw new TarError("a symbolic link without a target");
        this.#fresh(path, (absolute) => symlinkSync(toFsPath(entry.linkPath), absolute));
        if (this.#options.owners) lchownSync(this.#fs(path), owner(entry.uid), owner(entry.gid));
        lutimesSync(this.#fs(path), entry.mtime, entry.mtime);
        break;
      case "hardlink":
        this.#hardLink(path, entry);
        return;
      default:
        this.#remove(path);
        this.#special.set(path, {
          kind: "node",
          path: this.#root.absolute(path),
          type: entry.type,
          mode: entry.mode,
          uid: owner(entry.uid),
          gid: owner(entry.gid),
          major: entry.major,
          minor: entry.minor,
        });
    }
    if (entry.type !== "character-device" && entry.type !== "block-device" && entry.type !== "fifo")
      this.#inodes++;
    this.#keepXattrs(path, entry);
  }

  #directory(path: BytePath, entry: TarEntry, hidden: boolean): void {
    const found = lstatSync(this.#fs(path), { throwIfNoEntry: false });
    if (found === undefined || !found.isDirectory()) {
      if (found !== undefined) this.#remove(path);
      mkdirSync(this.#fs(path), 0o700);
      this.#root.known(path);
      this.#inodes++;
    }
    // Deleted and recreated in one layer: lower content must stay hidden.
    if (hidden) this.#opaque.add(path);
    this.#implicit.delete(path);
    this.#attributes(path, entry);
  }

  #attributes(path: BytePath, entry: TarEntry): void {
    if (this.#options.owners) lchownSync(this.#fs(path), owner(entry.uid), owner(entry.gid));
    chmodSync(this.#fs(path), entry.mode);
    this.#times.set(path, entry.mtime);
    this.#keepXattrs(path, entry);
  }

  #hardLink(path: BytePath, entry: TarEntry): void {
    const target = this.#root.place(components(entry.linkPath).join("/"), false);
    if (target === undefined || target === "") throw this.#noTarget(entry);
    if (target === path) return;
    if (this.#special.has(target)) {
      this.#remove(path);
      this.#late.push({ target, path });
      return;
    }
    const found = lstatSync(this.#fs(target), { throwIfNoEntry: false });
    if (found === undefined) throw this.#noTarget(entry);
    if (found.isDirectory()) throw new TarError(`a hard link to the directory ${showBytePath(target)}`);
    this.#fresh(path, (absolute) => linkSync(this.#fs(target), absolute));
  }

  #noTarget(entry: TarEntry): TarError {
    return new TarError(`a hard link to ${showBytePath(entry.linkPath)}, which the layer does not have`);
  }

  /** OCI layer specification, "Whiteouts". Other `.wh..wh.` names are metadata of old tools and ignored. */
  #whiteout(parts: string[], name: string): void {
    const directory = parts.slice(0, -1);
    if (name === ".wh..wh..opq") {
      this.#opaque.add(this.#root.directory(directory, true) as BytePath);
      return;
    }
    if (name.startsWith(".wh..wh.")) return;
    const hidden = name.slice(4);
    if (hidden === "" || hidden === "." || hidden === "..") throw new TarError("a deletion without a name");
    const path = this.#root.place([...directory, hidden].join("/"), true) as BytePath;
    // A deletion applies to lower layers; this layer's own entries stay.
    if (lstatSync(this.#fs(path), { throwIfNoEntry: false }) !== undefined || this.#special.has(path)) return;
    this.#special.set(path, whiteoutNode(this.#root.absolute(path)));
  }

  #keepXattrs(path: BytePath, entry: TarEntry): void {
    this.#xattrs.delete(path);
    if (entry.type === "symlink" || entry.xattrs.size === 0) return;
    // trusted.overlay.* and user.overlay.* would affect overlayfs; other namespaces belong to the host's security modules.
    const kept = [...entry.xattrs].filter(
      ([name]) =>
        name === "security.capability" || (name.startsWith("user.") && !name.startsWith("user.overlay.")),
    );
    for (const [name, value] of kept) {
      if (name.length > 255 || name.includes("\0") || value.length > 65536) {
        throw new TarError("an extended attribute that is too long or has a NUL in its name");
      }
    }
    if (kept.length > 0) this.#xattrs.set(path, new Map(kept));
  }

  #fs(path: BytePath): string | Buffer {
    return toFsPath(this.#root.absolute(path));
  }

  /** Creates a file at `path`, replacing an older entry of the same name. */
  #fresh(path: BytePath, make: (absolute: string | Buffer) => void): void {
    const absolute = this.#fs(path);
    try {
      make(absolute);
    } catch (error) {
      if (errno(error) !== "EEXIST") throw error;
      this.#remove(path);
      make(absolute);
    }
  }

  #remove(path: BytePath): void {
    if (lstatSync(this.#fs(path), { throwIfNoEntry: false }) === undefined) return;
    rmSync(this.#fs(path), { recursive: true, force: true });
    this.#root.forget(path);
    const below = (other: BytePath): boolean => other === path || other.startsWith(`${path}/`);
    for (const map of [this.#special, this.#xattrs, this.#times, this.#opaque, this.#implicit]) {
      for (const key of map.keys()) if (below(key)) map.delete(key);
    }
    for (let i = this.#late.length - 1; i >= 0; i--) {
      const late = this.#late[i] as { target: BytePath; path: BytePath };
      if (below(late.path) || below(late.target)) this.#late.splice(i, 1);
    }
  }

  #blame(error: unknown, path: BytePath): unknown {
    if (error instanceof TarError) return new TarError(`${showBytePath(path) || "."}: ${error.message}`);
    if (errno(error) === "ENAMETOOLONG")
      return new TarError(`${showBytePath(path).slice(0, 80)}...: the name is too long`);
    if (errno(error) === "EINVAL" || errno(error) === "ERR_OUT_OF_RANGE") {
      return new TarError(`${showBytePath(path)}: ${(error as Error).message}`);
    }
    return error;
  }
}

/** Kernel ids have 32 bits, and the last one means "unchanged". */
function owner(id: number): number {
  if (!Number.isInteger(id) || id < 0 || id >= 0xffffffff)
    throw new TarError(`an owner that cannot be: ${id}`);
  return id;
}

function writeAll(fd: number, chunk: Buffer, position: number): void {
  let done = 0;
  while (done < chunk.length) done += writeSync(fd, chunk, done, chunk.length - done, position + done);
}
