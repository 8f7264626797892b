import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, symlinkSync, writeFileSync, writeSync } from "node:fs";
import { describe, it } from "node:test";
import { archive } from "../testing/archive.ts";
import { temporaryDirectory } from "../testing/fixture.ts";
import type { TarEntry } from "./entry.ts";
import { TarReader } from "./reader.ts";
import { TarError } from "./tar-error.ts";
import { encodeHeader } from "./writer.ts";

interface Got {
  entry: TarEntry;
  content: string;
}

/** Pushed in pieces of this size, since nobody says where chunks end. */
function read(data: Buffer, piece = data.length): Got[] {
  const got: Got[] = [];
  let closed = 0;
  const reader = new TarReader({
    entry: (entry) => got.push({ entry, content: "" }),
    data: (chunk) => {
      (got.at(-1) as Got).content += chunk.toString("latin1");
    },
    close: () => closed++,
  });
  for (let at = 0; at < data.length; at += Math.max(piece, 1))
    reader.write(data.subarray(at, at + Math.max(piece, 1)));
  reader.finish();
  assert.equal(closed, got.length, "every entry is closed once");
  return got;
}

describe("TarReader", () => {
  it("reads what the writer wrote, whatever the size of the pieces", () => {
    const long = `${"d".repeat(120)}/${"n".repeat(180)}`;
    const data = archive(
      { path: "dir", type: "directory", mode: 0o750, uid: 1, gid: 2, mtime: 3 },
      { path: "dir/file", type: "file", content: "hello", mode: 0o4755, uid: 4_000_000, gid: 5, mtime: 1.5 },
      { path: long, type: "file", content: "x".repeat(1500) },
      { path: "link", type: "symlink", linkPath: "y".repeat(140) },
      { path: "hard", type: "hardlink", linkPath: "dir/file" },
      { path: "dev", type: "character-device", major: 1, minor: 3 },
      { path: "caps", type: "file", xattrs: new Map([["security.capability", "\x01\x00\xff\n="]]) },
    );
    const whole = read(data);
    assert.deepEqual(
      whole.map(({ entry }) => [entry.path, entry.type, entry.linkPath]),
      [
        ["dir/", "directory", ""],
        ["dir/file", "file", ""],
        [long, "file", ""],
        ["link", "symlink", "y".repeat(140)],
        ["hard", "hardlink", "dir/file"],
        ["dev", "character-device", ""],
        ["caps", "file", ""],
      ],
    );
    const file = whole[1] as Got;
    assert.deepEqual(
      [file.content, file.entry.mode, file.entry.uid, file.entry.mtime, file.entry.size],
      ["hello", 0o4755, 4_000_000, 1.5, 5],
    );
    assert.equal(whole[6]?.entry.xattrs.get("security.capability"), "\x01\x00\xff\n=");
    for (const piece of [1, 7, 511, 513]) assert.deepEqual(read(data, piece), whole);
  });

  it("reads GNU tar's formats: long names, sparse files of all kinds, base-256 numbers", (t) => {
    if (spawnSync("tar", ["--version"]).status !== 0) return t.skip("no GNU tar");
    const dir = temporaryDirectory(t);
    const name = "long/".repeat(40);
    mkdirSync(`${dir}/${name}`, { recursive: true });
    writeFileSync(`${dir}/${name}file`, "deep");
    symlinkSync("t".repeat(200), `${dir}/link`);
    const fd = openSync(`${dir}/holes`, "w");
    for (let i = 0; i < 40; i++) writeSync(fd, `piece${i}`, i * 200_000);
    closeSync(fd);
    for (const format of [
      ["gnu"],
      ["pax"],
      ["posix", "--sparse-version=0.0"],
      ["posix", "--sparse-version=0.1"],
    ]) {
      const [kind, ...more] = format;
      const made = spawnSync("tar", ["-C", dir, `--format=${kind}`, "-S", ...more, "-cf", "-", "."], {
        maxBuffer: 1 << 26,
      });
      assert.equal(made.status, 0, String(made.stderr));
      const got = read(made.stdout, 1000);
      assert.equal(got.find(({ entry }) => entry.path === `./${name}file`)?.content, "deep", String(format));
      assert.equal(got.find(({ entry }) => entry.path === "./link")?.entry.linkPath, "t".repeat(200));
      const holes = got.find(({ entry }) => entry.path === "./holes") as Got;
      assert.equal(holes.entry.size, 39 * 200_000 + 7, String(format));
      let at = 0;
      const content = Buffer.alloc(holes.entry.size);
      for (const { offset, length } of holes.entry.sparse ?? []) {
        content.write(holes.content.slice(at, at + length), offset, "latin1");
        at += length;
      }
      assert.equal(content.toString("latin1", 39 * 200_000), "piece39", String(format));
    }
  });

  it("passes over what it does not know and stops at the end mark", () => {
    const label = encodeHeader({ path: "volume", type: "file", size: 0 });
    label.write("V", 156, "latin1");
    label.fill(" ", 148, 156);
    let sum = 0;
    for (const byte of label) sum += byte;
    label.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
    const data = Buffer.concat([
      label,
      archive({ path: "a", type: "file", content: "1" }),
      Buffer.from("rubbish behind"),
    ]);
    assert.deepEqual(
      read(data).map(({ entry }) => entry.path),
      ["a"],
    );
  });

  it("refuses malformed archives with a TarError and never another way", () => {
    const good = archive(
      { path: "dir/", type: "directory" },
      { path: "f".repeat(300), type: "file", content: "content", xattrs: new Map([["user.a", "b"]]) },
      { path: "s", type: "symlink", linkPath: "x" },
    );
    assert.throws(() => read(good.subarray(0, 700)), TarError);
    assert.throws(() => read(Buffer.from("no tar at all".repeat(100))), TarError);
    // Every single byte changed, one after the other: either it is read or it is refused.
    let refused = 0;
    for (let at = 0; at < good.length - 1024; at++) {
      for (const value of [0x00, 0xff, 0x39]) {
        const bad = Buffer.from(good);
        bad[at] = value;
        try {
          read(bad, 4096);
        } catch (error) {
          assert.ok(error instanceof TarError, `byte ${at}: ${error}`);
          refused++;
        }
      }
    }
    assert.ok(refused > 1000);
  });

  it("bounds what an archive can make it remember", () => {
    const huge = encodeHeader({ path: "x", type: "file", size: 2 << 20 });
    huge.write("x", 156, "latin1");
    huge.fill(" ", 148, 156);
    let sum = 0;
    for (const byte of huge) sum += byte;
    huge.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
    assert.throws(() => read(huge), /larger than 1 MiB/);
  });
});
