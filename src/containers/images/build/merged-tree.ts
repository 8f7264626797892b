import { lstatSync, readdirSync, readFileSync, readlinkSync, type Stats } from "node:fs";
import { type BytePath, showBytePath, toBytePath, toFsPath } from "../tar/byte-path.ts";

/** A file as a container would see it. */
export interface Place {
  /** Real path from the root, without leading slash; "" is the root. */
  path: BytePath;
  stat: Stats;
  /** Its path on this machine; a directory may be in several layers, the uppermost first. */
  sources: BytePath[];
}

export interface TreeLayer {
  dir: string;
  /** Opaque directories (relative), which hide lower layers. */
  opaque: readonly string[];
}

/**
 * A merged view of layers, like overlayfs: upper entries hide lower ones, whiteouts, opaque directories. Links are resolved
 * inside the tree. A single layer is a directory without a way out, such as a build context.
 */
export class MergedTree {
  readonly #layers: readonly { dir: BytePath; opaque: ReadonlySet<string> }[];

  /** Lowest first. */
  constructor(layers: readonly TreeLayer[]) {
    this.#layers = layers
      .map((layer) => ({ dir: toBytePath(layer.dir), opaque: new Set(layer.opaque) }))
      .reverse();
  }

  /** Undefined when it does not exist. With `follow`, a final link is followed too. */
  lookup(path: BytePath, follow: boolean): Place | undefined {
    const { place, missing } = this.walk(path, follow);
    return missing.length === 0 ? place : undefined;
  }

  /** The existing part of the path, and the remaining components. */
  walk(path: BytePath, follow: boolean): { place: Place; missing: string[] } {
    let todo = path.split("/");
    const at: Place[] = [this.#root()];
    let hops = 0;
    while (todo.length > 0) {
      const part = todo.shift() as string;
      if (part === "" || part === ".") continue;
      if (part === "..") {
        if (at.length > 1) at.pop();
        continue;
      }
      const parent = at.at(-1) as Place;
      const next = parent.stat.isDirectory() ? this.#step(parent, part) : undefined;
      if (next === undefined) return { place: parent, missing: plain([part, ...todo]) };
      const last = !todo.some((rest) => rest !== "" && rest !== ".");
      if (!next.stat.isSymbolicLink() || (last && !follow)) {
        at.push(next);
        continue;
      }
      if (++hops > 40) throw new Error(`too many symbolic links at ${showBytePath(next.path)}`);
      const target = readlinkSync(toFsPath(next.sources[0] as BytePath), { encoding: "latin1" });
      if (target.startsWith("/")) at.length = 1;
      todo = [...target.split("/"), ...todo];
    }
    return { place: at.at(-1) as Place, missing: [] };
  }

  /** Sorted names in a directory. */
  names(place: Place): BytePath[] {
    const seen = new Map<string, boolean>();
    for (const source of place.sources) {
      for (const entry of readdirSync(toFsPath(source), { encoding: "latin1", withFileTypes: true })) {
        if (seen.has(entry.name)) continue;
        const hidden = entry.isCharacterDevice() && isWhiteout(lstat(`${source}/${entry.name}`));
        seen.set(entry.name, !hidden);
      }
    }
    return [...seen]
      .filter(([, there]) => there)
      .map(([name]) => name)
      .sort();
  }

  child(place: Place, name: BytePath): Place | undefined {
    return this.#step(place, name);
  }

  /** The text of a file, or undefined. */
  read(path: string): string | undefined {
    const place = this.lookup(toBytePath(path), true);
    return place?.stat.isFile() ? readFileSync(toFsPath(place.sources[0] as BytePath), "utf8") : undefined;
  }

  #root(): Place {
    const sources: BytePath[] = [];
    for (const layer of this.#layers) {
      sources.push(layer.dir);
      if (layer.opaque.has("")) break;
    }
    const top = sources[0];
    const stat = top === undefined ? undefined : lstat(top);
    return { path: "", stat: stat ?? (lstatSync("/") as Stats), sources };
  }

  #step(parent: Place, name: string): Place | undefined {
    const path = parent.path === "" ? name : `${parent.path}/${name}`;
    let found: Place | undefined;
    for (const source of parent.sources) {
      const stat = lstat(`${source}/${name}`);
      if (stat === undefined) continue;
      if (isWhiteout(stat)) break;
      if (!stat.isDirectory()) {
        found ??= { path, stat, sources: [`${source}/${name}`] };
        break;
      }
      found ??= { path, stat, sources: [] };
      found.sources.push(`${source}/${name}`);
      const layer = this.#layers.find(({ dir }) => source === dir || source.startsWith(`${dir}/`));
      if (layer?.opaque.has(path)) break;
    }
    return found;
  }
}

const lstat = (path: BytePath): Stats | undefined => {
  try {
    return lstatSync(toFsPath(path), { throwIfNoEntry: false });
  } catch (error) {
    // A file where a directory is needed.
    if ((error as { code?: string }).code === "ENOTDIR") return undefined;
    throw error;
  }
};

export const isWhiteout = (stat: Stats | undefined): boolean =>
  stat !== undefined && stat.isCharacterDevice() && stat.rdev === 0;

function plain(parts: readonly string[]): string[] {
  const out: string[] = [];
  for (const part of parts) {
    if (part === "..") out.pop();
    else if (part !== "" && part !== ".") out.push(part);
  }
  return out;
}
