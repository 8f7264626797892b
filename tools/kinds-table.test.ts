import assert from "node:assert/strict";
import { test } from "node:test";
import { currentTable, kindsTable } from "./kinds-table.ts";

test("docs/kinds.md says what is served (node tools/kinds-table.ts writes it)", () => {
  assert.equal(currentTable(), kindsTable());
});
