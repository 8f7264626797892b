import type { EntryType, SparseChunk, TarEntry } from "./entry.ts";
import { blockSize, decodeHeader, number, type RawHeader } from "./header.ts";
import { parsePax, paxNumber } from "./pax.ts";
import { checkSparse, decimal, oldSparsePieces, sparsePairs } from "./sparse.ts";
import { TarError } from "./tar-error.ts";

/** Handles an archive's members. Called synchronously, in the archive's order; may throw to stop. */
export interface TarSink {
  entry(entry: TarEntry): void;
  /** Stored bytes of the last entry; for a sparse file those of its segments. The buffer is only valid during the call. */
  data(chunk: Buffer): void;
  /** The last entry is complete. */
  close(): void;
}

/** Limit of extension headers (names and attributes). 1 MiB is far above any real one. */
const largestExtension = 1 << 20;

const types: Record<string, EntryType> = {
  "0": "file",
  "\0": "file",
  "7": "file",
  S: "file",
  "1": "hardlink",
  "2": "symlink",
  "3": "character-device",
  "4": "block-device",
  "5": "directory",
  "6": "fifo",
};

type State = "header" | "extension" | "old-sparse" | "pax-sparse" | "data" | "padding" | "end";

/**
 * A push parser of tar archives: ustar, PAX, GNU long names, GNU and PAX sparse files. Memory is bounded for any input. Errors
 * are TarErrors.
 */
export class TarReader {
  readonly #sink: TarSink;
  #state: State = "header";
  #block = Buffer.alloc(blockSize);
  #filled = 0;
  /** Remaining bytes of the current state. */
  #left = 0;
  #padding = 0;
  #parts: Buffer[] = [];
  #raw: RawHeader | undefined;
  #global = new Map<string, string>();
  #local = new Map<string, string>();
  #longName: string | undefined;
  #longLink: string | undefined;
  #pieces: SparseChunk[] = [];
  #realSize = 0;
  #sparseText = "";

  constructor(sink: TarSink) {
    this.#sink = sink;
  }

  write(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length && this.#state !== "end") {
      if (this.#state === "data" || this.#state === "extension") {
        const take = Math.min(this.#left, chunk.length - at);
        const piece = chunk.subarray(at, at + take);
        if (this.#state === "data") this.#sink.data(piece);
        else this.#parts.push(Buffer.from(piece));
        at += take;
        this.#left -= take;
        if (this.#left === 0) this.#bodyDone();
      } else if (this.#state === "padding") {
        const take = Math.min(this.#padding, chunk.length - at);
        at += take;
        this.#padding -= take;
        if (this.#padding === 0) this.#state = "header";
      } else {
        const take = Math.min(blockSize - this.#filled, chunk.length - at);
        chunk.copy(this.#block, this.#filled, at, at + take);
        this.#filled += take;
        at += take;
        if (this.#filled === blockSize) {
          this.#filled = 0;
          this.#blockDone();
        }
      }
    }
  }

  /** End of input. A missing end marker is accepted; an incomplete member is not. */
  finish(): void {
    if (this.#state === "end") return;
    if (
      this.#state !== "header" ||
      this.#filled > 0 ||
      this.#local.size > 0 ||
      this.#longName !== undefined
    ) {
      throw new TarError("the tar archive ends in the middle of a member");
    }
  }

  #blockDone(): void {
    if (this.#state === "old-sparse") {
      this.#pieces.push(...oldSparsePieces(this.#block, 0, 21));
      if (this.#block[504] === 0) this.#oldSparseDone();
      return;
    }
    if (this.#state === "pax-sparse") {
      this.#paxSparseBlock();
      return;
    }
    const raw = decodeHeader(this.#block);
    if (raw === undefined) {
      this.#state = "end";
      return;
    }
    if (raw.size < 0) throw new TarError("damaged tar header: a negative size");
    this.#raw = raw;
    if ("xgLK".includes(raw.typeflag)) {
      if (raw.size > largestExtension) throw new TarError("tar extension header is larger than 1 MiB");
      this.#parts = [];
      this.#begin("extension", raw.size);
      return;
    }
    if (raw.typeflag === "S") {
      this.#realSize = number(this.#block, 483, 12, "sparse size");
      this.#pieces = oldSparsePieces(this.#block, 386, 4);
      if (this.#block[482] !== 0) this.#state = "old-sparse";
      else this.#oldSparseDone();
      return;
    }
    this.#member(raw);
  }

  #begin(state: "data" | "extension", size: number): void {
    this.#state = state;
    this.#left = size;
    this.#padding = (blockSize - (size % blockSize)) % blockSize;
    if (size === 0) this.#bodyDone();
  }

  #bodyDone(): void {
    if (this.#state === "extension") this.#extensionDone();
    else this.#sink.close();
    this.#state = this.#padding > 0 ? "padding" : "header";
  }

  #extensionDone(): void {
    const data = this.#parts.length === 1 ? (this.#parts[0] as Buffer) : Buffer.concat(this.#parts);
    this.#parts = [];
    switch (this.#raw?.typeflag) {
      case "x":
        this.#local = parsePax(data);
        break;
      case "g":
        for (const [key, value] of parsePax(data)) this.#global.set(key, value);
        break;
      case "L":
        this.#longName = untilNul(data);
        break;
      default:
        this.#longLink = untilNul(data);
    }
  }

  #oldSparseDone(): void {
    const raw = this.#raw as RawHeader;
    checkSparse(this.#pieces, this.#realSize, raw.size);
    this.#deliver(raw, raw.size, this.#realSize, this.#pieces);
  }

  #pax(key: string): string | undefined {
    const value = this.#local.get(key) ?? this.#global.get(key);
    return value === "" ? undefined : value;
  }

  #member(raw: RawHeader): void {
    const sized = this.#pax("size");
    const size = sized === undefined ? raw.size : paxNumber(sized, "size");
    if (size < 0 || !Number.isInteger(size))
      throw new TarError("damaged tar archive: PAX size is not a size");
    const major = this.#local.get("GNU.sparse.major");
    if (major === "1" && this.#local.get("GNU.sparse.minor") === "0") {
      this.#realSize = decimal(this.#local.get("GNU.sparse.realsize") ?? "");
      this.#left = size;
      this.#sparseText = "";
      this.#state = "pax-sparse";
      return;
    }
    const map = this.#local.get("GNU.sparse.map");
    if (map !== undefined) {
      const real = decimal(
        this.#local.get("GNU.sparse.size") ?? this.#local.get("GNU.sparse.realsize") ?? "",
      );
      const pieces = sparsePairs(map.split(","));
      checkSparse(pieces, real, size);
      this.#deliver(raw, size, real, pieces);
      return;
    }
    const type = types[raw.typeflag];
    this.#deliver(raw, type === undefined || type === "file" ? size : 0, size, undefined);
  }

  /** PAX sparse 1.0: the map precedes the data, decimal numbers on lines, padded to whole blocks. */
  #paxSparseBlock(): void {
    this.#sparseText += this.#block.toString("latin1", 0, blockSize);
    this.#left -= blockSize;
    if (this.#left < 0 || this.#sparseText.length > largestExtension) {
      throw new TarError("damaged tar archive: a sparse map does not end");
    }
    const lines = this.#sparseText.split("\n");
    if (lines.length < 2) return;
    const count = decimal(lines[0] as string);
    if (lines.length < count * 2 + 2) return;
    const pieces = sparsePairs(lines.slice(1, count * 2 + 1));
    checkSparse(pieces, this.#realSize, this.#left);
    this.#deliver(this.#raw as RawHeader, this.#left, this.#realSize, pieces);
  }

  #deliver(raw: RawHeader, stored: number, size: number, sparse: SparseChunk[] | undefined): void {
    // Unknown types are treated as files (POSIX); vendor types without meaning here (volume labels) are skipped.
    const type = types[raw.typeflag] ?? (/[A-Z]/.test(raw.typeflag) ? undefined : "file");
    const named = this.#local.get("GNU.sparse.name") ?? this.#pax("path") ?? this.#longName ?? raw.name;
    const path = type === "file" && raw.typeflag !== "7" && named.endsWith("/") ? named.slice(0, -1) : named;
    const oldDirectory =
      type === "file" && (raw.typeflag === "\0" || raw.typeflag === "0") && named.endsWith("/");
    const linkPath = this.#pax("linkpath") ?? this.#longLink ?? raw.linkname;
    if (path.includes("\0") || linkPath.includes("\0"))
      throw new TarError("damaged tar archive: a name holds a NUL");
    const xattrs = new Map<string, string>();
    for (const source of [this.#global, this.#local]) {
      for (const [key, value] of source) {
        if (key.startsWith("SCHILY.xattr.")) xattrs.set(key.slice(13), value);
      }
    }
    const of = (key: string, otherwise: number): number => {
      const value = this.#pax(key);
      return value === undefined ? otherwise : paxNumber(value, key);
    };
    const entry: TarEntry = {
      path,
      type: oldDirectory ? "directory" : (type ?? "file"),
      mode: raw.mode,
      uid: of("uid", raw.uid),
      gid: of("gid", raw.gid),
      size: type === "file" ? size : 0,
      mtime: of("mtime", raw.mtime),
      linkPath,
      major: raw.major,
      minor: raw.minor,
      xattrs,
      ...(sparse === undefined ? {} : { sparse }),
    };
    this.#local = new Map();
    this.#longName = undefined;
    this.#longLink = undefined;
    if (type === undefined) {
      this.#skip(stored);
      return;
    }
    if (entry.type === "directory" && stored > 0 && oldDirectory) {
      this.#sink.entry({ ...entry, size: 0 });
      this.#sink.close();
      this.#skip(stored);
      return;
    }
    this.#sink.entry(entry);
    this.#begin("data", stored);
  }

  #skip(stored: number): void {
    this.#padding = Math.ceil(stored / blockSize) * blockSize;
    this.#state = this.#padding > 0 ? "padding" : "header";
  }
}

function untilNul(data: Buffer): string {
  const nul = data.indexOf(0);
  return data.toString("latin1", 0, nul < 0 ? data.length : nul);
}
