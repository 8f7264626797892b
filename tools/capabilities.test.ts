import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const root = join(import.meta.dirname, "..");

test("every capability names a test that exists, or says that it is not there yet", () => {
  const text = readFileSync(join(root, "docs/capabilities.md"), "utf8");
  const rows = text.split("\n").filter((line) => line.startsWith("| ") && !/^\| (---|capability)/.test(line));
  assert.ok(rows.length > 40);
  const wrong = rows.filter((row) => {
    const proof = row.split(" | ")[1]?.replace(/ \|$/, "") ?? "";
    if (proof === "not yet") return false;
    const named = /^`([^`]+)`: (.+)$/.exec(proof);
    if (!named) return true;
    const [, file = "", title = ""] = named;
    return !readFileSync(join(root, file), "utf8").includes(`"${title}"`);
  });
  assert.deepEqual(wrong, []);
});
