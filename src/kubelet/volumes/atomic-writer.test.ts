import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { writeAtomically } from "./atomic-writer.ts";
import { configMapFiles, secretFiles, VolumeError } from "./projection.ts";

const files = (entries: Record<string, string>, mode = 0o644) =>
  new Map(Object.entries(entries).map(([path, text]) => [path, { content: Buffer.from(text), mode }]));

test("shows a set of files, then another one, all at once", (t) => {
  const directory = mkdtempSync(join(tmpdir(), "wherry-atomic-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const old = process.umask(0o077);
  t.after(() => process.umask(old));
  const stamp = Date.parse("2026-01-02T03:04:05.678Z");
  assert.equal(writeAtomically(directory, files({ a: "1", "d/b": "2" }), stamp), true);
  assert.equal(readFileSync(join(directory, "d/b"), "utf8"), "2");
  assert.equal(readlinkSync(join(directory, "a")), "..data/a");
  assert.equal(readlinkSync(join(directory, "..data")), "..2026_01_02_03_04_05.678000000");
  assert.equal(statSync(join(directory, "a")).mode & 0o777, 0o644, "the umask has no say");
  assert.equal(
    writeAtomically(directory, files({ a: "1", "d/b": "2" }), stamp + 1),
    false,
    "nothing changed",
  );
  const before = readlinkSync(join(directory, "..data"));
  assert.equal(writeAtomically(directory, files({ a: "9" }), stamp), true);
  assert.notEqual(readlinkSync(join(directory, "..data")), before);
  assert.equal(existsSync(join(directory, "d")), false);
  assert.deepEqual(readdirSync(directory).filter((n) => n.startsWith("..2")).length, 1);
  chmodSync(join(directory, "a"), 0o400);
  assert.equal(writeAtomically(directory, files({ a: "9" }), stamp), true, "a changed mode is put right");
});

test("keys, items, modes, what is missing", () => {
  const map = { data: { a: "1", b: "2" }, binaryData: { c: Buffer.from([0, 255]).toString("base64") } };
  assert.deepEqual([...configMapFiles(map, undefined, 0o644, false).keys()], ["a", "b", "c"]);
  const chosen = configMapFiles(map, [{ key: "a", path: "x/y", mode: 0o400 }], 0o644, false);
  assert.equal(chosen.get("x/y")?.mode, 0o400);
  assert.throws(() => configMapFiles(map, [{ key: "z", path: "z" }], 0o644, false), VolumeError);
  assert.equal(secretFiles(undefined, [{ key: "z", path: "z" }], 0o644, true).size, 0);
});
