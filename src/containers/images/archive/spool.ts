import type { BlobWriter, Blobs } from "../store/blobs.ts";
import type { TarEntry } from "../tar/entry.ts";
import type { TarSink } from "../tar/reader.ts";
import { TarError } from "../tar/tar-error.ts";

/** Documents are kept at hand; everything larger is only a blob. */
const largestDocument = 4 << 20;

/** What is only about the archive itself and never content of an image. */
const aboutTheArchive = new Set(["index.json", "manifest.json", "oci-layout", "repositories"]);

export interface SpooledFile {
  /** "" for what is only about the archive. */
  digest: string;
  size: number;
  /** First bytes, to see how it is compressed. */
  head: Buffer;
  /** Whole content when it is small enough for a document. */
  content: Buffer | undefined;
}

/**
 * An image archive in one pass, however large: each file becomes a blob as it comes by, because what it is for is often
 * said only at the end. What turns out not to be needed is garbage, and swept as such.
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

  /** By its name in the archive, through links (skopeo and old docker have them). */
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

/** Only ever a key of a map, never a path on this machine. */
function clean(path: string, base: string): string {
  const parts: string[] = [];
  for (const part of `${path.startsWith("/") ? "" : base}/${path}`.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return parts.join("/");
}
