import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Creates the layer below an image's own: the mount points of every container. With it nothing has to be created in the
 * writable layer at start (which is slow on a busy disk, and would become part of a built image), and the image's own entries
 * for these paths have priority.
 */
export function makeBaseLayer(directory: string): string {
  for (const name of ["dev", "proc", "sys", "etc"])
    mkdirSync(join(directory, name), { recursive: true, mode: 0o755 });
  for (const name of ["hostname", "hosts", "resolv.conf"])
    writeFileSync(join(directory, "etc", name), "", { mode: 0o644 });
  return directory;
}
