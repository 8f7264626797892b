import { lstatSync, mkdirSync, readlinkSync } from "node:fs";
import { type BytePath, showBytePath, toFsPath } from "../tar/byte-path.ts";
import { TarError } from "../tar/tar-error.ts";

/**
 * Resolves paths inside a root directory: absolute links start at the root, `..` stops at it, and results never leave it.
 * Nothing else writes below the root, so checks and operations are not racing.
 */
export class ScopedPath {
  readonly #root: BytePath;
  /** Known real directories (without links on the way), relative. */
  readonly #real = new Set<BytePath>([""]);
  readonly #made: (path: BytePath) => void;

  /** `made` is called for every directory created on the way. */
  constructor(root: BytePath, made: (path: BytePath) => void = () => {}) {
    this.#root = root;
    this.#made = made;
  }

  absolute(path: BytePath): BytePath {
    return path === "" ? this.#root : `${this.#root}/${path}`;
  }

  /**
   * The real path of a name: its parent with all links followed, the last component unchanged. Undefined when the parent is
   * missing and `make` is false.
   */
  place(name: BytePath, make: boolean): BytePath | undefined {
    const parts = components(name);
    const last = parts.pop();
    if (last === undefined) return "";
    const parent = this.directory(parts, make);
    return parent === undefined ? undefined : parent === "" ? last : `${parent}/${last}`;
  }

  /** The real directory that these components lead to. */
  directory(parts: readonly string[], make: boolean): BytePath | undefined {
    let at = "";
    let todo = [...parts];
    let hops = 0;
    while (todo.length > 0) {
      const part = todo.shift() as string;
      if (part === "" || part === ".") continue;
      if (part === "..") {
        at = at.includes("/") ? at.slice(0, at.lastIndexOf("/")) : "";
        continue;
      }
      const next = at === "" ? part : `${at}/${part}`;
      if (this.#real.has(next)) {
        at = next;
        continue;
      }
      const found = lstatSync(toFsPath(this.absolute(next)), { throwIfNoEntry: false });
      if (found === undefined) {
        if (!make) return undefined;
        mkdirSync(toFsPath(this.absolute(next)), 0o755);
        this.#made(next);
      } else if (found.isSymbolicLink()) {
        if (++hops > 40)
          throw new TarError(`too many symbolic links on the way to ${showBytePath(parts.join("/"))}`);
        const target = readlinkSync(toFsPath(this.absolute(next)), { encoding: "latin1" });
        if (target.startsWith("/")) at = "";
        todo = [...target.split("/"), ...todo];
        continue;
      } else if (!found.isDirectory()) {
        if (!make) return undefined;
        throw new TarError(`${showBytePath(next)} is used as a directory but is none`);
      }
      this.#real.add(next);
      at = next;
    }
    return at;
  }

  /** The file at `path` was replaced or removed. */
  forget(path: BytePath): void {
    for (const known of this.#real) {
      if (known === path || known.startsWith(`${path}/`)) this.#real.delete(known);
    }
  }

  known(path: BytePath): void {
    this.#real.add(path);
  }
}

/** The components of a name in an archive. `..` is rejected. */
export function components(name: BytePath): string[] {
  const parts = name.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes(".."))
    throw new TarError(`the name ${showBytePath(name)} leads out of the layer with ".."`);
  return parts;
}
