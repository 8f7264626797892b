import { randomBytes } from "node:crypto";
import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import type { TarEntry } from "../tar/entry.ts";
import { TarReader } from "../tar/reader.ts";
import { runCommand, streamCommand } from "./command.ts";
import type { PackageFile } from "./debian-packages.ts";
import { inUsr, type PackageLayer } from "./package-layer.ts";

/** Links for busybox' commands that no package has. Does nothing without busybox. */
export async function installApplets(
  layer: PackageLayer,
  files: readonly PackageFile[],
  temporary: string,
): Promise<void> {
  const busybox = files.find(({ file }) => /^busybox(-static)?_/.test(file));
  if (busybox === undefined) return;
  for (const applet of await appletNames(busybox.path, temporary)) {
    const path = inUsr(applet);
    const name = path.slice(path.lastIndexOf("/") + 1);
    if (!layer.has(`usr/bin/${name}`) && !layer.has(`usr/sbin/${name}`)) layer.symlink(path, "/bin/busybox");
  }
}

/** Runs the program itself, which works anywhere when it is static. */
async function appletNames(path: string, temporary: string): Promise<string[]> {
  const program = `${temporary}/busybox-${randomBytes(6).toString("hex")}`;
  const fd = openSync(program, "wx", 0o700);
  let inside = false;
  try {
    try {
      const reader = new TarReader({
        entry: (entry: TarEntry) => {
          inside = entry.type === "file" && inUsr(entry.path) === "usr/bin/busybox";
        },
        data: (chunk) => {
          if (inside) writeSync(fd, chunk);
        },
        close: () => {
          inside = false;
        },
      });
      const { output, done } = streamCommand("dpkg-deb", ["--fsys-tarfile", path]);
      for await (const chunk of output) reader.write(chunk as Buffer);
      await done;
    } finally {
      closeSync(fd);
    }
    const { code, stdout } = await runCommand(program, ["--list-full"]);
    return code === 0
      ? stdout.split("\n").filter((name) => name !== "" && !/(^|\/)(busybox|linuxrc)$/.test(name))
      : ["bin/sh"];
  } finally {
    rmSync(program, { force: true });
  }
}
