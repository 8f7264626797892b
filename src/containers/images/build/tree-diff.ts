import { lstatSync, readdirSync, readlinkSync, type Stats } from "node:fs";
import { opaqueAttribute } from "../layer/special-nodes.ts";
import { type BytePath, toFsPath } from "../tar/byte-path.ts";
import { deviceNumbers } from "./copy-plan.ts";
import type { LayerEntry } from "./layer-content.ts";
import { isWhiteout } from "./merged-tree.ts";

/**
 * Converts an overlay's upper directory to layer entries (OCI layer specification, "Whiteouts"). `residue` tells whether an
 * empty file or directory is only left by the container's mounts; `hides` whether there is a directory below, since overlayfs
 * marks every new directory opaque.
 */
export function readUpper(
  root: BytePath,
  xattrs: ReadonlyMap<BytePath, ReadonlyMap<string, string>>,
  residue: (entry: LayerEntry) => boolean,
  hides: (path: BytePath) => boolean,
): LayerEntry[] {
  const entries: LayerEntry[] = [];
  const links = new Map<string, BytePath>();
  const walk = (path: BytePath): void => {
    const names = readdirSync(toFsPath(path === "" ? root : `${root}/${path}`), { encoding: "latin1" });
    for (const name of names.sort()) {
      const at = path === "" ? name : `${path}/${name}`;
      const absolute = `${root}/${at}`;
      const stat = lstatSync(toFsPath(absolute));
      if (isWhiteout(stat)) {
        entries.push(marker(path, `.wh.${name}`));
        continue;
      }
      const before = entries.length;
      const entry = describe(absolute, at, stat, xattrs.get(at), links);
      if (entry === undefined) continue;
      entries.push(entry);
      if (entry.type === "directory") {
        if (xattrs.get(at)?.get(opaqueAttribute) === "y" && hides(at))
          entries.push(marker(at, ".wh..wh..opq"));
        walk(at);
      }
      const empty =
        entries.length === before + 1 &&
        (entry.type === "directory" || (entry.type === "file" && stat.size === 0));
      if (empty && residue(entry)) entries.pop();
    }
  };
  walk("");
  return entries;
}

const marker = (directory: BytePath, name: string): LayerEntry => ({
  path: directory === "" ? name : `${directory}/${name}`,
  type: "file",
  mode: 0,
  content: Buffer.alloc(0),
});

function describe(
  absolute: BytePath,
  path: BytePath,
  stat: Stats,
  xattrs: ReadonlyMap<string, string> | undefined,
  links: Map<string, BytePath>,
): LayerEntry | undefined {
  const kept = [...(xattrs ?? [])].filter(
    ([name]) =>
      name === "security.capability" || (name.startsWith("user.") && !name.startsWith("user.overlay.")),
  );
  const common = {
    path,
    mode: stat.mode & 0o7777,
    uid: stat.uid,
    gid: stat.gid,
    mtime: stat.mtimeMs / 1000,
    ...(kept.length === 0 ? {} : { xattrs: new Map(kept) }),
  };
  if (stat.isDirectory()) return { ...common, type: "directory" };
  if (stat.isSymbolicLink()) {
    return { ...common, type: "symlink", linkPath: readlinkSync(toFsPath(absolute), { encoding: "latin1" }) };
  }
  if (stat.isFile()) {
    const key = `${stat.dev}:${stat.ino}`;
    const first = stat.nlink > 1 ? links.get(key) : undefined;
    if (first !== undefined) return { ...common, type: "hardlink", linkPath: first };
    links.set(key, path);
    return { ...common, type: "file", content: { fsPath: absolute, stat } };
  }
  if (stat.isFIFO()) return { ...common, type: "fifo" };
  if (stat.isCharacterDevice()) return { ...common, type: "character-device", ...deviceNumbers(stat) };
  if (stat.isBlockDevice()) return { ...common, type: "block-device", ...deviceNumbers(stat) };
  return undefined;
}
