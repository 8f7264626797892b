import { CriError } from "../../../cri/index.ts";
import type { Kitchen } from "../build/kitchen.ts";
import type { WrittenLayer } from "../build/layer-content.ts";
import { mediaTypes } from "../oci-format.ts";
import { TarReader } from "../tar/reader.ts";
import { trailer } from "../tar/writer.ts";
import { type Account, accountsOf } from "./accounts.ts";
import { installApplets } from "./busybox.ts";
import { runCommand, streamCommand } from "./command.ts";
import { fetchPackages, type PackageFile } from "./debian-packages.ts";
import { PackageLayer } from "./package-layer.ts";
import { addSkeleton } from "./skeleton.ts";

/** Part of the cache key: to be increased when the layer of the same packages changes. */
const recipe = 3;

/** A layer of Debian packages. It always has a shell: busybox's, unless a package has one. */
export async function debianLayer(
  kitchen: Kitchen,
  packages: readonly string[],
  note: (text: string) => void,
): Promise<WrittenLayer> {
  const brings = ["busybox-static", "busybox", "dash", "bash"];
  const asked = packages.some((name) => brings.includes(name)) ? packages : [...packages, "busybox-static"];
  const files = await fetchPackages(asked, `${kitchen.root}/apt`, note);
  const key = kitchen.cache.key(
    "debian",
    recipe,
    files.map(({ file }) => file),
  );
  const cached = kitchen.cache.find(key)?.layer;
  if (cached !== undefined) return cached;
  note(`unpacking ${files.length} Debian packages`);
  const layer = await writePackages(kitchen, files);
  await kitchen.cache.put(key, { layer, created: new Date(kitchen.clock.now()).toISOString() });
  return layer;
}

async function writePackages(kitchen: Kitchen, files: readonly PackageFile[]): Promise<WrittenLayer> {
  const writer = kitchen.blobs.writer();
  try {
    const scripts = await Promise.all(files.map(({ path }) => installationScript(path)));
    const accounts = numbered(scripts.flatMap(accountsOf));
    const layer = new PackageLayer(writer, new Map(accounts.map(({ home, id }) => [home.slice(1), id])));
    for (const { path, file } of files) {
      const { output, done } = streamCommand("dpkg-deb", ["--fsys-tarfile", path]);
      try {
        const reader = new TarReader(layer);
        for await (const chunk of output) reader.write(chunk as Buffer);
        await done;
        reader.finish();
      } catch (cause) {
        throw new CriError(
          "Internal",
          `the Debian package ${file} cannot be read: ${(cause as Error).message}`,
          { cause },
        );
      }
    }
    addSkeleton(layer, accounts);
    await installApplets(layer, files, `${kitchen.root}/tmp`);
    writer.write(trailer());
    const { digest, size } = writer.commit();
    return { diffId: digest, descriptor: { mediaType: mediaTypes.layer, digest, size } };
  } catch (error) {
    writer.abort();
    throw error;
  }
}

/** From 101: Debian numbers system users from 100, but the group 100 is "users". */
function numbered(accounts: readonly { name: string; home: string }[]): Account[] {
  const unique = accounts.filter((one, at) => accounts.findIndex((other) => other.name === one.name) === at);
  const fixed = new Set(["root", "daemon", "bin", "sys", "mail", "www-data", "nobody"]);
  return unique.filter(({ name }) => !fixed.has(name)).map((account, at) => ({ ...account, id: 101 + at }));
}

async function installationScript(path: string): Promise<string> {
  const { code, stdout } = await runCommand("dpkg-deb", ["-I", path, "postinst"]);
  return code === 0 ? stdout : "";
}
