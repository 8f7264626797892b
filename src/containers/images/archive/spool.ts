import type { BlobWriter, Blobs } from "../store/blobs.ts";
import type { TarEntry } from "../tar/entry.ts";
import type { TarSink } from "../tar/reader.ts";
import { TarError } from "../tar/tar-error.ts";

/** Documents are kept in memory; larger files are only blobs. */
const largestDocument = 4 << 20;

/** Metadata of the archive, never part of an image. */
const aboutTheArchive = new Set(["index.json", "manifest.json", "oci-layout", "repositories"]);

export interface SpooledFile {
  /** "" for metadata of the archive. */
  digest: string;
  size: number;
  /** First bytes, to detect compression. */
  head: Buffer;
  /** The content of small files, which may be documents. */
  content: Buffer | undefined;
}

/**
 * Reads an image archive of any size in one pass: each file becomes a blob, since its purpose is often known only at the end.
 * Unneeded blobs are garbage collected.
 */
export class ArchiveSpool implements TarSink {
  readonly files = new Map<string, SpooledFile>();
  readonly #blobs: Blobs;
  readonly #links = new Map<string, string>();
  #current:
    | { name: string; writer: BlobWriter | undefined; parts: Buffer[] | undefined; head: Buffer }
    | undefined;

  constructor(blobs: Blobs) {
    this.#blobs = blobs;
  }

  entry(entry: TarEntry): void {
    const name = clean(entry.path, "");
    if (entry.type === "symlink" || entry.type === "hardlink") {
      const base = entry.type === "symlink" && name.includes("/") ? name.slice(0, name.lastIndexOf("/")) : "";
      this.#links.set(name, clean(entry.linkPath, base));
      return;
    }
    if (entry.type !== "file") return;
    if (entry.sparse !== undefined)
      throw new TarError(`${name} is stored as a sparse file, which image archives never are`);
    this.#current = {
      name,
      writer: aboutTheArchive.has(name) && entry.size <= largestDocument ? undefined : this.#blobs.writer(),
      parts: entry.size <= largestDocument ? [] : undefined,
      head: Buffer.alloc(0),
    };
  }

  data(chunk: Buffer): void {
    const file = this.#current;
    if (file === undefined) return;
    file.writer?.write(chunk);
    if (file.head.length < 8) file.head = Buffer.concat([file.head, chunk.subarray(0, 8)]);
    file.parts?.push(Buffer.from(chunk));
  }

  close(): void {
    const file = this.#current;
    if (file === undefined) return;
    this.#current = undefined;
    const content = file.parts === undefined ? undefined : Buffer.concat(file.parts);
    const { digest, size } = file.writer?.commit() ?? { digest: "", size: content?.length ?? 0 };
    this.files.set(file.name, { digest, size, head: file.head, content });
  }

  abandon(): void {
    this.#current?.writer?.abort();
    this.#current = undefined;
  }

  /** By name in the archive, following links (used by skopeo and old docker). */
  get(name: string): SpooledFile | undefined {
    let at = clean(name, "");
    for (let hops = 0; hops < 8; hops++) {
      const file = this.files.get(at);
      if (file !== undefined) return file;
      const next = this.#links.get(at);
      if (next === undefined) return undefined;
      at = next;
    }
    return undefined;
  }
}

/** Only used as a map's key, never as a path of this machine. */
function clean(path: string, base: string): string {
  const parts: string[] = [];
  for (const part of `${path.startsWith("/") ? "" : base}/${path}`.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return parts.join("/");
}
