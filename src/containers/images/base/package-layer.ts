import type { BlobWriter } from "../store/blobs.ts";
import type { TarEntry } from "../tar/entry.ts";
import type { TarSink } from "../tar/reader.ts";
import { encodeHeader, padding } from "../tar/writer.ts";

/** Excluded from images: documentation, translations, files for init systems and shell completion. Licenses stay. */
const leftOut =
  /^(usr\/share\/(man|info|locale|lintian|bug|doc-base|menu|bash-completion|zsh|fish|initramfs-tools|apport|reportbug)(\/|$)|usr\/share\/doc\/(?!.*\/copyright$)(?!$)[^/]+\/.|usr\/lib\/systemd(\/|$)|etc\/(init\.d|rc\d\.d|cron\.[a-z]+|cron\.d|logrotate\.d|systemd|init)(\/|$)|usr\/include(\/|$))/;

/** Directories that are links into /usr (Debian's merged /usr; packages may use the old names). */
const merged = /^(bin|sbin|lib|lib32|lib64|libx32)(?=\/|$)/;

/** Writes the files of Debian packages into one layer. Reproducible: equal packages result in equal bytes. */
export class PackageLayer implements TarSink {
  readonly #out: BlobWriter;
  readonly #written = new Set<string>();
  readonly #owners: ReadonlyMap<string, number>;
  #open = false;
  #size = 0;

  /** `owners`: owned directories by path (the homes of system users). */
  constructor(out: BlobWriter, owners: ReadonlyMap<string, number>) {
    this.#out = out;
    this.#owners = owners;
    for (const path of ["usr", "usr/bin", "usr/sbin", "usr/lib", "usr/lib64"]) this.directory(path);
    for (const name of ["bin", "sbin", "lib", "lib64"]) this.symlink(name, `usr/${name}`);
  }

  has(path: string): boolean {
    return this.#written.has(path);
  }

  directory(path: string, mode = 0o755, owner = { uid: 0, gid: 0 }): void {
    if (this.#written.has(path)) return;
    this.#written.add(path);
    this.#out.write(encodeHeader({ path, type: "directory", mode, ...owner }));
  }

  symlink(path: string, linkPath: string): void {
    this.#written.add(path);
    this.#out.write(encodeHeader({ path, type: "symlink", mode: 0o777, linkPath }));
  }

  file(path: string, content: Buffer, mode = 0o644): void {
    this.#written.add(path);
    this.#out.write(encodeHeader({ path, type: "file", mode, size: content.length }));
    this.#out.write(content);
    this.#out.write(padding(content.length));
  }

  entry(entry: TarEntry): void {
    const path = inUsr(entry.path);
    if (path === "" || leftOut.test(path)) return;
    // Packages share directories; the first entry of a path is kept.
    if (this.#written.has(path)) return;
    this.#written.add(path);
    const linkPath = entry.type === "hardlink" ? inUsr(entry.linkPath) : entry.linkPath;
    if (entry.sparse !== undefined) throw new Error(`${path}: a sparse file in a Debian package`);
    const owner = this.#owners.get(path);
    const owned =
      owner === undefined || entry.type !== "directory" ? {} : { uid: owner, gid: owner, mode: 0o750 };
    this.#out.write(encodeHeader({ ...entry, path, linkPath, ...owned }));
    this.#open = entry.type === "file";
    this.#size = entry.size;
  }

  data(chunk: Buffer): void {
    if (this.#open) this.#out.write(chunk);
  }

  close(): void {
    if (this.#open) this.#out.write(padding(this.#size));
    this.#open = false;
  }
}

/** Converts `./lib/x` to `usr/lib/x`. */
export function inUsr(path: string): string {
  const clean = path
    .split("/")
    .filter((part) => part !== "" && part !== ".")
    .join("/");
  return merged.test(clean) ? `usr/${clean}` : clean;
}
