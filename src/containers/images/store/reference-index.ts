import { randomBytes } from "node:crypto";
import { readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { open } from "node:fs/promises";
import { damaged, errno } from "../image-error.ts";
import { type Descriptor, type OciIndex, mediaTypes, refNameAnnotation } from "../oci-format.ts";

/**
 * Names and their manifests: `index.json` of the layout, so that other tools can read the store as an OCI layout. Replaced
 * atomically by rename; re-read after changes of other processes.
 */
export class ReferenceIndex {
  readonly #path: string;
  #seen = "";
  #entries: ReadonlyMap<string, Descriptor> = new Map();

  constructor(root: string) {
    this.#path = `${root}/index.json`;
  }

  /** By full reference. Read-only. */
  read(): ReadonlyMap<string, Descriptor> {
    const stat = statSync(this.#path, { bigint: true, throwIfNoEntry: false });
    const version = stat === undefined ? "" : `${stat.ino}:${stat.mtimeNs}:${stat.size}`;
    if (version === this.#seen) return this.#entries;
    const entries = new Map<string, Descriptor>();
    if (stat !== undefined) {
      for (const descriptor of parse(this.#path).manifests) {
        const name = descriptor.annotations?.[refNameAnnotation];
        if (name !== undefined) entries.set(name, descriptor);
      }
    }
    this.#entries = entries;
    this.#seen = version;
    return entries;
  }

  /** Only under the store's lock. Durable when it resolves. */
  async write(change: (entries: Map<string, Descriptor>) => void): Promise<void> {
    const entries = new Map(this.read());
    change(entries);
    const index: OciIndex = {
      schemaVersion: 2,
      mediaType: mediaTypes.index,
      manifests: [...entries]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, descriptor]) => ({
          ...descriptor,
          annotations: { ...descriptor.annotations, [refNameAnnotation]: name },
        })),
    };
    await replaceFile(this.#path, JSON.stringify(index, undefined, 1));
  }
}

/** Replaces the file atomically. */
export async function replaceFile(path: string, content: string): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString("hex")}`;
  try {
    const handle = await open(temporary, "wx", 0o644);
    try {
      await handle.writeFile(content);
      await handle.datasync();
    } finally {
      await handle.close();
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

function parse(path: string): OciIndex {
  try {
    const index = JSON.parse(readFileSync(path, "utf8")) as OciIndex;
    if (index.schemaVersion !== 2 || !Array.isArray(index.manifests)) throw new Error("not an OCI index");
    return index;
  } catch (error) {
    if (errno(error) === "ENOENT") return { schemaVersion: 2, manifests: [] };
    throw damaged(
      `${path} is damaged (${(error as Error).message}). The images are lost to wherry: remove the file, then build or load them again`,
      error,
    );
  }
}
