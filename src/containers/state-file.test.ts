import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import "../machinery/index.ts";
import { readState, writeState } from "./state-file.ts";

it("reads times back as the big integers they were, in a process that prints big integers as JSON numbers", () => {
  const directory = mkdtempSync(join(tmpdir(), "wherry-state-"));
  try {
    const state = { id: "c", createdAt: 1795850061342000001n, started: { pid: 7, startedAt: 0n } };
    writeState(join(directory, "state.json"), state);
    assert.deepEqual(readState(join(directory, "state.json")), state);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
