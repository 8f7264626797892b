import assert from "node:assert/strict";
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { type LogFollow, type LogReadOptions, readLog } from "./log-reader.ts";
import { rotateLog } from "./log-rotation.ts";
import { tailLines } from "./tail.ts";

const line = (n: number, text: string, tag = "F", stream = "stdout") =>
  `2026-01-01T00:00:0${n}.000000000Z ${stream} ${tag} ${text}\n`;
const done: LogFollow = { ended: () => true, changed: () => new Promise(() => {}) };
const plain: LogReadOptions = { follow: false, timestamps: false };

function logFile(t: TestContext, ...lines: string[]): string {
  const directory = mkdtempSync(join(tmpdir(), "wherry-logs-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const path = join(directory, "0.log");
  writeFileSync(path, lines.join(""));
  return path;
}

async function read(path: string, options: Partial<LogReadOptions> = {}): Promise<string> {
  let out = "";
  for await (const chunk of readLog(path, { ...plain, ...options }, done)) out += chunk.toString("utf8");
  return out;
}

test("content, tail, since, limit, timestamps, one stream; partial lines are joined", async (t) => {
  const path = logFile(t, line(1, "one"), line(2, "tw", "P"), line(2, "o"), line(3, "three", "F", "stderr"));
  assert.equal(await read(path), "one\ntwo\nthree\n");
  assert.equal(await read(path, { tailLines: 2 }), "two\nthree\n");
  assert.equal(await read(path, { tailLines: 0 }), "");
  assert.equal(await read(path, { tailLines: 9 }), "one\ntwo\nthree\n");
  assert.equal(await read(path, { since: Date.parse("2026-01-01T00:00:02Z") }), "two\nthree\n");
  assert.equal(await read(path, { limitBytes: 5 }), "one\nt");
  assert.equal(await read(path, { stream: "stderr" }), "three\n");
  assert.equal(
    await read(path, { timestamps: true, tailLines: 1 }),
    "2026-01-01T00:00:03.000000000Z three\n",
  );
  assert.equal(Buffer.concat(await tailLines(path, 1)).toString(), "three\n");
});

test("tail over many blocks", async (t) => {
  const path = logFile(t, ...Array.from({ length: 5000 }, (_, i) => line(1, `line ${i} ${"x".repeat(40)}`)));
  const text = await read(path, { tailLines: 3000 });
  assert.match(text, /^line 2000 x/);
  assert.equal(text.split("\n").length, 3001);
});

test("following: new lines as they are written, over a rotation, until the container ends", async (t) => {
  const path = logFile(t, line(1, "one"));
  let ended = false;
  let changed = Promise.withResolvers<void>();
  const follow: LogFollow = { ended: () => ended, changed: () => changed.promise };
  const got = readLog(path, { ...plain, follow: true }, follow);
  const next = async () => (await got.next()).value?.toString("utf8") as string | undefined;
  assert.equal(await next(), "one\n");
  const second = next();
  appendFileSync(path, line(2, "two"));
  assert.equal(await second, "two\n");
  const third = next();
  renameSync(path, `${path}.20260101`);
  writeFileSync(path, line(3, "three"));
  assert.equal(await third, "three\n");
  const end = next();
  ended = true;
  changed.resolve();
  changed = Promise.withResolvers();
  assert.equal(await end, undefined);
});

test("rotation keeps so many files", async (t) => {
  const path = logFile(t, line(1, "x".repeat(100)));
  let reopened = 0;
  const reopen = () => {
    writeFileSync(path, line(2, "y".repeat(100)));
    reopened++;
    return Promise.resolve();
  };
  for (let i = 0; i < 4; i++) {
    assert.equal(
      await rotateLog(
        path,
        { maxBytes: 50, maxFiles: 3 },
        Date.parse("2026-01-01T00:00:00Z") + i * 1000,
        reopen,
      ),
      true,
    );
  }
  assert.equal(reopened, 4);
  assert.equal(readdirSync(join(path, "..")).length, 3);
  assert.ok(existsSync(path));
  assert.equal(await rotateLog(path, { maxBytes: 5000, maxFiles: 3 }, 0, reopen), false);
  assert.match(await read(path), /^y+\ny+\ny+\n$/);
});
