import { createHash, randomBytes } from "node:crypto";
import {
  closeSync,
  createReadStream,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeSync,
} from "node:fs";
import { open, readdir, readFile, rm } from "node:fs/promises";
import type { Readable } from "node:stream";
import { damaged, errno, invalid } from "../image-error.ts";
import type { Descriptor } from "../oci-format.ts";
import { digestPattern } from "../reference.ts";

/** Size limit of documents (manifests, configurations), which are read whole. The limit of registries. */
const largestDocument = 4 << 20;

export const sha256 = (data: string | Uint8Array): string =>
  `sha256:${createHash("sha256").update(data).digest("hex")}`;

/**
 * Content by digest: `blobs/sha256/<hex>` as in an OCI image layout. A blob is written under a temporary name and renamed when
 * its digest is known, so its name always matches its content. Any process may add blobs; only garbage collection removes them.
 */
export class Blobs {
  readonly #dir: string;
  readonly #temporary: string;
  #syncs = new Set<Promise<void>>();

  constructor(root: string) {
    this.#dir = `${root}/blobs/sha256`;
    this.#temporary = `${root}/tmp`;
    mkdirSync(this.#dir, { recursive: true });
    mkdirSync(this.#temporary, { recursive: true });
  }

  /** Accepts only sha256 with 64 digits, so a digest is never a path elsewhere. */
  path(digest: string): string {
    if (!digestPattern.test(digest))
      throw invalid(`"${digest}" is not a digest (sha256: and 64 hexadecimal digits)`);
    return `${this.#dir}/${digest.slice(7)}`;
  }

  /** The content, or undefined. */
  size(digest: string): number | undefined {
    return statSync(this.path(digest), { throwIfNoEntry: false })?.size;
  }

  /** Whether it exists completely. Marks it as used, so that a concurrent garbage collection keeps it. */
  use(descriptor: Pick<Descriptor, "digest" | "size">, nowMs: number): boolean {
    const path = this.path(descriptor.digest);
    if (statSync(path, { throwIfNoEntry: false })?.size !== descriptor.size) return false;
    try {
      utimesSync(path, nowMs / 1000, nowMs / 1000);
    } catch (error) {
      if (errno(error) === "ENOENT") return false;
      throw error;
    }
    return true;
  }

  stream(digest: string): Readable {
    return createReadStream(this.path(digest), { highWaterMark: 256 << 10 });
  }

  /** A JSON document whose content is verified by its digest. */
  async document<T>(digest: string): Promise<T> {
    let data: Buffer;
    try {
      const size = this.size(digest);
      if (size !== undefined && size > largestDocument)
        throw invalid(`${digest} is larger than 4 MiB, too large for a manifest`);
      data = await readFile(this.path(digest));
    } catch (error) {
      if (errno(error) === "ENOENT")
        throw damaged(`the blob ${digest} is missing from the image store`, error);
      throw error;
    }
    if (sha256(data) !== digest) throw damaged(`the blob ${digest} in the image store is damaged`);
    return parseDocument<T>(data, digest);
  }

  writer(): BlobWriter {
    return new BlobWriter(`${this.#temporary}/blob-${randomBytes(8).toString("hex")}`, (path, digest) =>
      this.#place(path, digest),
    );
  }

  add(data: Uint8Array): Descriptor {
    const writer = this.writer();
    writer.write(data);
    return { mediaType: "", ...writer.commit() };
  }

  addDocument(mediaType: string, value: unknown): Descriptor {
    return { ...this.add(Buffer.from(JSON.stringify(value))), mediaType };
  }

  /** Resolves when every blob so far is on the disk. References to it may be written then. */
  async settle(): Promise<void> {
    await Promise.all(this.#syncs);
  }

  /** All existing digests. */
  async list(): Promise<string[]> {
    return (await readdir(this.#dir))
      .filter((name) => /^[a-f0-9]{64}$/.test(name))
      .map((name) => `sha256:${name}`);
  }

  /** Last use, in milliseconds since the epoch. */
  usedAt(digest: string): number {
    return statSync(this.path(digest), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  }

  async remove(digest: string): Promise<void> {
    await rm(this.path(digest), { force: true });
  }

  #place(path: string, digest: string): void {
    renameSync(path, this.path(digest));
    const sync = flush(this.path(digest)).finally(() => this.#syncs.delete(sync));
    this.#syncs.add(sync);
    // Failures are reported by settle().
    sync.catch(() => {});
  }
}

/** Synchronous on purpose: the tar reader feeds it, and writes to the page cache do not block. */
export class BlobWriter {
  readonly #path: string;
  readonly #place: (path: string, digest: string) => void;
  readonly #hash = createHash("sha256");
  readonly #fd: number;
  #size = 0;
  #open = true;

  constructor(path: string, place: (path: string, digest: string) => void) {
    this.#path = path;
    this.#place = place;
    this.#fd = openSync(path, "wx", 0o600);
  }

  get size(): number {
    return this.#size;
  }

  write(chunk: Uint8Array): void {
    this.#hash.update(chunk);
    let done = 0;
    while (done < chunk.length) done += writeSync(this.#fd, chunk, done);
    this.#size += chunk.length;
  }

  /** Completes the blob. With `expected`, throws and keeps nothing when the digest differs. */
  commit(expected?: string): { digest: string; size: number } {
    const digest = `sha256:${this.#hash.digest("hex")}`;
    if (expected !== undefined && digest !== expected) {
      this.abort();
      throw invalid(`the content of ${expected} does not match its digest (it is ${digest})`);
    }
    this.#close();
    this.#place(this.#path, digest);
    return { digest, size: this.#size };
  }

  abort(): void {
    this.#close();
    rmSync(this.#path, { force: true });
  }

  #close(): void {
    if (!this.#open) return;
    this.#open = false;
    closeSync(this.#fd);
  }
}

export function parseDocument<T>(data: Buffer, what: string): T {
  try {
    const value: unknown = JSON.parse(data.toString("utf8"));
    if (typeof value !== "object" || value === null) throw new Error("not an object");
    return value as T;
  } catch (error) {
    throw invalid(`${what} is not a JSON document`, error);
  }
}

async function flush(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.datasync();
  } finally {
    await handle.close();
  }
}
