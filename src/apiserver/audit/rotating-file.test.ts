import assert from "node:assert/strict";
import fs, { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { RotatingFile, type RotatingFileOptions } from "./rotating-file.ts";

function made(t: TestContext, more: Partial<RotatingFileOptions>): { dir: string; open(): RotatingFile } {
  const dir = mkdtempSync(join(tmpdir(), "wherry-audit-"));
  t.after(() => rmSync(dir, { recursive: true }));
  let now = Date.parse("2023-11-14T22:13:20Z");
  const open = (): RotatingFile =>
    new RotatingFile({
      path: join(dir, "sub", "audit.log"),
      maxSizeMb: 1e-5,
      maxBackups: 0,
      maxAgeDays: 0,
      compress: false,
      now: () => (now += 1000),
      failed: (error) => assert.fail(error as Error),
      ...more,
    });
  return { dir: join(dir, "sub"), open };
}

test("the log is put aside when it is full; so many are kept", async (t) => {
  const { dir, open } = made(t, { maxBackups: 2 });
  const file = open();
  for (const line of ["one", "two", "three", "four"]) file.write(`${line.repeat(2)}\n`);
  await file.close();
  const files = readdirSync(dir).sort();
  assert.equal(files.length, 3, files.join());
  assert.match(files[0] ?? "", /^audit-2023-11-14T22-13-\d\d\.000\.log$/);
  assert.equal(readFileSync(join(dir, "audit.log"), "utf8"), "fourfour\n");
});

test("what was put aside is packed, also what another run left", async (t) => {
  const { dir, open } = made(t, { compress: true });
  const first = open();
  first.write("oneoneone\n");
  writeFileSync(join(dir, "audit-2023-11-14T20-00-00.000.log"), "left\n");
  writeFileSync(join(dir, "audit-notes.log"), "mine\n");
  first.write("twotwotwo\n");
  await first.close();
  const packed = readdirSync(dir).filter((name) => name.endsWith(".gz"));
  assert.equal(packed.length, 2, readdirSync(dir).join());
  const texts = packed.map((name) => gunzipSync(readFileSync(join(dir, name))).toString());
  assert.deepEqual(texts.sort(), ["left\n", "oneoneone\n"]);
  assert.equal(readFileSync(join(dir, "audit-notes.log"), "utf8"), "mine\n");
});

test("files go by the age that their names tell, packed ones too", async (t) => {
  const { dir, open } = made(t, { maxAgeDays: 1, compress: true });
  const first = open();
  for (const name of ["audit-2023-11-13T10-00-00.000.log.gz", "audit-2023-11-14T10-00-00.000.log.gz"])
    writeFileSync(join(dir, name), "");
  await first.close();
  await open().close();
  assert.deepEqual(readdirSync(dir).sort(), ["audit-2023-11-14T10-00-00.000.log.gz", "audit.log"]);
});

test("a size of 0: it is never put aside", async (t) => {
  const { dir, open } = made(t, { maxSizeMb: 0 });
  const file = open();
  for (let i = 0; i < 5; i++) file.write("x".repeat(100));
  await file.close();
  assert.deepEqual(readdirSync(dir), ["audit.log"]);
});

/** Replaces a function of the file system for one call. */
function once(t: TestContext, name: "openSync" | "writeSync", instead: (...given: never[]) => number): void {
  const real = fs[name];
  const put = (made: unknown): void => {
    Object.assign(fs, { [name]: made });
    syncBuiltinESMExports();
  };
  put((...given: never[]) => {
    put(real);
    return instead(...given);
  });
  t.after(() => put(real));
}

test("when no new file can be opened, events are lost only as long as that is so", async (t) => {
  const { dir, open } = made(t, {});
  const file = open();
  file.write("oneoneone\n");
  once(t, "openSync", () => {
    throw Object.assign(new Error("too many open files"), { code: "EMFILE" });
  });
  assert.throws(() => file.write("twotwotwo\n"), /too many open files/);
  file.write("threethree\n");
  await file.close();
  const texts = readdirSync(dir).map((name) => readFileSync(join(dir, name), "utf8"));
  assert.deepEqual(texts.sort(), ["oneoneone\n", "threethree\n"]);
});

test("a line is whole, also when the file takes it in pieces", async (t) => {
  const { dir, open } = made(t, { maxSizeMb: 0 });
  const file = open();
  const { writeSync } = fs;
  once(t, "writeSync", (fd: number, bytes: Buffer) => writeSync(fd, bytes, 0, 2));
  file.write("one\n");
  file.write("two\n");
  await file.close();
  assert.equal(readFileSync(join(dir, "audit.log"), "utf8"), "one\ntwo\n");
});
