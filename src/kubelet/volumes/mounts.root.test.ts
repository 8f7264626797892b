import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statfsSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type Native, openNative } from "../../linux/index.ts";
import { mountsBelow } from "./mount-table.ts";
import { nativeMounts } from "./native-mounts.ts";
import { setGroupOwnership } from "./ownership.ts";
import { bindSubPath } from "./subpath.ts";
import type { MountPort } from "./volume.ts";

const binary = new URL("../../../dist/wherry-native", import.meta.url).pathname;
const skip =
  process.getuid?.() !== 0 ? "needs root" : existsSync(binary) ? false : "needs native/build.sh to have run";
const tmpfsMagic = 0x01021994;

describe("mounts of volumes", { skip }, () => {
  let directory: string;
  let native: Native;
  let mounts: MountPort;
  const at = (path: string): string => join(directory, path);
  before(async () => {
    directory = mkdtempSync(join(tmpdir(), "wherry-kubelet-mounts-"));
    mkdirSync(at("run"));
    native = await openNative(binary, { runDir: at("run") });
    mounts = nativeMounts(native);
  });
  after(async () => {
    for (const point of await mountsBelow(directory)) await mounts.unmount(point);
    await native.close();
    rmSync(directory, { recursive: true, force: true });
  });

  it("memory is a tmpfs of its size", async () => {
    mkdirSync(at("memory"));
    await mounts.tmpfs(at("memory"), { mode: 0o777, sizeBytes: 1 << 20 });
    const found = statfsSync(at("memory"));
    assert.equal(found.type, tmpfsMagic);
    assert.equal(found.blocks * found.bsize, 1 << 20);
    assert.equal(statSync(at("memory")).mode & 0o777, 0o777);
    assert.deepEqual(await mountsBelow(at("memory")), [at("memory")]);
    await mounts.unmount(at("memory"));
    await mounts.unmount(at("memory"));
    assert.deepEqual(await mountsBelow(at("memory")), []);
  });

  it("subPath: files, directories that are missing, links inside; never out of the volume", async () => {
    mkdirSync(at("volume/dir"), { recursive: true });
    writeFileSync(at("volume/dir/file"), "inside");
    symlinkSync("dir/file", at("volume/link"));
    mkdirSync(at("volume/..2026_01"));
    writeFileSync(at("volume/..2026_01/key"), "value");
    symlinkSync("..2026_01", at("volume/..data"));
    symlinkSync("..data/key", at("volume/key"));
    symlinkSync("/etc", at("volume/out"));
    symlinkSync("../..", at("volume/dir/up"));
    const bind = (path: string, name: string) => bindSubPath(at("volume"), path, at(`sub/${name}`), mounts);
    assert.equal(readFileSync(await bind("dir/file", "a"), "utf8"), "inside");
    assert.equal(readFileSync(await bind("link", "b"), "utf8"), "inside");
    assert.equal(readFileSync(join(await bind("dir", "c"), "file"), "utf8"), "inside");
    assert.equal(readFileSync(await bind("key", "k"), "utf8"), "value", "as ConfigMaps are laid out");
    const made = await bind("new/deep", "d");
    writeFileSync(join(made, "x"), "1");
    assert.equal(readFileSync(at("volume/new/deep/x"), "utf8"), "1");
    assert.equal(await bind("new/deep", "d"), made, "twice is once");
    await assert.rejects(bind("out", "e"), /leads out of the volume/);
    await assert.rejects(bind("out/passwd", "f"), /leads out of the volume/);
    await assert.rejects(bind("out/new", "g"), /leads out of the volume/);
    await assert.rejects(bind("dir/up/x", "h"), /leads out of the volume/);
    assert.equal(existsSync("/etc/new"), false);
  });

  it("fsGroup: the group gets what the owner has, links are not followed", async () => {
    mkdirSync(at("owned/sub"), { recursive: true, mode: 0o700 });
    writeFileSync(at("owned/sub/file"), "", { mode: 0o600 });
    writeFileSync(at("outside"), "", { mode: 0o600 });
    symlinkSync(at("outside"), at("owned/link"));
    await setGroupOwnership(at("owned"), 4242, undefined);
    assert.equal(statSync(at("owned/sub")).mode & 0o7777, 0o2770);
    assert.equal(statSync(at("owned/sub/file")).mode & 0o7777, 0o660);
    assert.equal(statSync(at("owned/sub/file")).gid, 4242);
    assert.deepEqual([statSync(at("outside")).gid, statSync(at("outside")).mode & 0o777], [0, 0o600]);
  });
});
