import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildFolder, commandNodes, openImageStore } from "../src/containers/index.ts";

/** Building and unpacking: milliseconds, and the ratio to GNU tar for the same work. */
const home = fileURLToPath(new URL("..", import.meta.url));
const helper = join(home, "dist/wherry-nodes");

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

function row(what: string, ms: number, note = ""): void {
  process.stdout.write(`${what.padEnd(52)} ${ms.toFixed(0).padStart(7)} ms  ${note}\n`);
}

/** An image of 10 000 small files and one of 64 MB, as an archive; with the host's tar and wherry's store. */
function makeContext(dir: string): void {
  mkdirSync(`${dir}/context/files`, { recursive: true });
  for (let d = 0; d < 100; d++) {
    mkdirSync(`${dir}/context/files/${d}`);
    for (let i = 0; i < 100; i++) writeFileSync(`${dir}/context/files/${d}/${i}`, `${d} ${i}\n`.repeat(200));
  }
  writeFileSync(`${dir}/context/large`, Buffer.alloc(64 << 20, "wherry"));
  writeFileSync(`${dir}/context/Dockerfile`, "FROM scratch\nCOPY files /files\nCOPY large /large\nENV A=b\n");
}

async function measure(dir: string): Promise<void> {
  makeContext(dir);
  const open = (name: string) => openImageStore({ dir: `${dir}/${name}`, nodes: commandNodes([helper]) });
  const store = await open("one");
  const build = () => store.build({ context: `${dir}/context`, tags: ["bench:1"] });
  row("build, 10 000 files and 64 MB, nothing cached", await timed(build));
  row("build again, nothing changed", await timed(build), "target: well under 100");
  await store.save(["bench:1"], `${dir}/image.tar`);
  await store.close();

  const other = await open("two");
  const load = await timed(() => other.load(`${dir}/image.tar`));
  mkdirSync(`${dir}/peer`);
  const peer = await timed(async () => {
    spawnSync("tar", ["-C", `${dir}/peer`, "-xf", `${dir}/image.tar`]);
    for (const layer of (await other.inspect("bench:1"))?.layers ?? []) {
      spawnSync("tar", ["-C", `${dir}/peer`, "-xf", `${dir}/peer/blobs/sha256/${layer.digest.slice(7)}`]);
    }
  });
  row(
    "load and unpack the same (twice through sha256)",
    load,
    `${(load / peer).toFixed(1)} x tar alone (${peer.toFixed(0)} ms)`,
  );
  await other.close();

  const guestbook = await open("guestbook");
  const folder = join(home, "examples/guestbook");
  row(
    "guestbook's three images and their bases, first time",
    await timed(() => buildFolder(folder, guestbook)),
    "downloads included; target: 20 000",
  );
  row("guestbook's images again", await timed(() => buildFolder(folder, guestbook)));
  await guestbook.close();
}

if (process.getuid?.() !== 0 || !existsSync(helper)) {
  process.stdout.write("needs root and the set-up\n");
} else {
  const dir = mkdtempSync(join(tmpdir(), "wherry-bench-"));
  try {
    await measure(dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
