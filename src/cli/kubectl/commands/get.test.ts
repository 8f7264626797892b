import assert from "node:assert/strict";
import { test } from "node:test";
import { parseFlags } from "../../flags.ts";
import { command as get } from "./get.ts";

test("a raw path may answer with whatever it is, JSON above all", async () => {
  const asked: unknown[] = [];
  const out: string[] = [];
  async function* body() {
    yield Buffer.from("\napiserver statusz\n");
  }
  const context = {
    signal: new AbortController().signal,
    io: { out: (text: string) => out.push(text) },
    session: {
      open(method: string, path: string, { accept }: { accept: string }) {
        asked.push([method, path, accept]);
        return Promise.resolve({ status: 200, headers: {}, body: body() });
      },
    },
  };
  const parsed = parseFlags(["--raw", "/statusz"], get.flags);
  assert.equal(await get.run(context as never, parsed), 0);
  assert.deepEqual(asked, [["GET", "/statusz", "application/json, */*"]]);
  assert.deepEqual(out, ["\napiserver statusz\n"]);
});
