import { realpathSync, statSync } from "node:fs";
import { posix } from "node:path";
import { CriError } from "../../../cri/index.ts";
import type { Kitchen } from "../build/kitchen.ts";
import { contentKey, LayerContent, type WrittenLayer, writeLayer } from "../build/layer-content.ts";
import { FileHashes } from "../build/file-hashes.ts";
import { MergedTree } from "../build/merged-tree.ts";
import { toBytePath } from "../tar/byte-path.ts";
import { runCommand } from "./command.ts";
import { inUsr } from "./package-layer.ts";

/** The Node that runs wherry, and its shared libraries. */
export async function nodeLayer(kitchen: Kitchen, below: MergedTree, node: string): Promise<WrittenLayer> {
  const content = new LayerContent(below, { uid: 0, gid: 0 }, 0);
  const add = (path: string, source: string): void => {
    const real = realpathSync(source);
    content.add({
      path: toBytePath(path),
      type: "file",
      mode: 0o755,
      mtime: 0,
      content: { fsPath: toBytePath(real), stat: statSync(real) },
    });
  };
  add("usr/local/bin/node", node);
  for (const library of await libraries(node)) add(inUsr(library), library);
  const hashes = new FileHashes(`${kitchen.root}/build-cache/files-node`, kitchen.clock.now);
  const entries = content.entries();
  const key = kitchen.cache.key("node", await contentKey(entries, (file) => hashes.hash(file)));
  await hashes.save();
  const cached = kitchen.cache.find(key)?.layer;
  if (cached !== undefined) return cached;
  const layer = await writeLayer(entries, kitchen.blobs, undefined);
  await kitchen.cache.put(key, { layer, created: new Date(kitchen.clock.now()).toISOString() });
  return layer;
}

/** Identifies a Node binary without reading it. */
export function nodeStamp(node: string): string {
  const { size, mtimeMs } = statSync(node);
  return `${process.version} ${size} ${Math.floor(mtimeMs)}`;
}

/** Absolute paths of the loader and all libraries, by ldd; includes glibc's name service modules if they exist. */
async function libraries(program: string): Promise<string[]> {
  const { code, stdout, stderr } = await runCommand("ldd", [program]);
  if (code !== 0) {
    if (/statically linked|not a dynamic executable/.test(stdout + stderr)) return [];
    throw new CriError(
      "Unavailable",
      `the libraries of ${program} cannot be listed: ${stderr.trim() || `ldd ended with ${code}`}`,
    );
  }
  const missing = /^\s*(\S+) => not found$/m.exec(stdout)?.[1];
  if (missing !== undefined)
    throw new CriError("Unavailable", `${program} needs the library ${missing}, which this machine lacks`);
  const paths = [...stdout.matchAll(/(?:^|=>)\s*(\/\S+) \(0x[0-9a-f]+\)$/gm)].map(
    (match) => match[1] as string,
  );
  const libc = paths.find((path) => /\/libc\.so\.6$/.test(path));
  const plugins =
    libc === undefined
      ? []
      : ["libnss_dns.so.2", "libnss_files.so.2", "libresolv.so.2"].map((name) =>
          posix.join(posix.dirname(libc), name),
        );
  return [...paths, ...plugins.filter((path) => statSync(path, { throwIfNoEntry: false }) !== undefined)];
}
