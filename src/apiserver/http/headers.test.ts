import assert from "node:assert/strict";
import { test } from "node:test";
import { plainHeaders } from "./headers.ts";

test("lines of headers that say who somebody is stay apart", () => {
  const raw = ["Accept", "a", "Impersonate-Group", "x, y", "impersonate-group", "z", ":path", "/"];
  const given = { accept: "a", "impersonate-group": "x, y, z", ":path": "/" };
  assert.deepEqual(plainHeaders(given, raw), { accept: "a", "impersonate-group": "x, y\nz" });
});

test("who somebody is, and with what, is UTF-8", () => {
  const bytes = (text: string): string => Buffer.from(text).toString("latin1");
  const raw = ["Impersonate-User", bytes("ünal"), "Impersonate-Group", bytes("木"), "User-Agent", "\xe9"];
  const given = { "impersonate-user": "", "impersonate-group": "", "user-agent": "\xe9" };
  assert.deepEqual(plainHeaders(given, raw), {
    "impersonate-user": "ünal",
    "impersonate-group": "木",
    "user-agent": "\ufffd",
  });
});

test("each line is looked at once, however many name somebody", () => {
  const names = Array.from({ length: 1000 }, (_, i) => `impersonate-extra-${i}`);
  let looks = 0;
  const raw = new Proxy(
    names.flatMap((name) => [name, "v"]),
    {
      get(lines, place, self) {
        looks++;
        return Reflect.get(lines, place, self) as unknown;
      },
    },
  );
  const headers = plainHeaders(Object.fromEntries(names.map((name) => [name, "v"])), raw);
  assert.equal(headers["impersonate-extra-999"], "v");
  assert.ok(looks < 10 * names.length, `${looks} looks`);
});
