import assert from "node:assert/strict";
import { it } from "node:test";
import { progressTo } from "./progress.ts";

function recorded(terminal: { columns: number } | undefined): {
  say(ms: number, text: string): void;
  text(): string;
} {
  let written = "";
  let now = 0;
  const io = { out: () => {}, err: (text: string) => void (written += text) };
  const progress = progressTo(io, () => now, terminal);
  return {
    say(ms, text) {
      now = ms;
      progress(text);
    },
    text: () => written,
  };
}

it("leaves passing lines out when they come fast and nobody watches", () => {
  const { say, text } = recorded(undefined);
  say(100, "API server answers");
  say(200, "image web: COPY a");
  say(300, "image web: COPY b");
  say(3000, "image web: RUN c");
  say(3100, "image web built");
  say(3100, "image web built");
  assert.equal(text(), "  0.1 s  API server answers\n  3.0 s  image web: RUN c\n  3.1 s  image web built\n");
});

it("overwrites passing lines on a terminal", () => {
  const { say, text } = recorded({ columns: 30 });
  say(0, "1 of 2 ready; waiting for something long");
  say(0, "everything is ready");
  assert.equal(text(), "  0.0 s  1 of 2 ready; waitin\r\x1b[K  0.0 s  everything is ready\n");
});

it("without a terminal, a line that was held back is said later unless another came", () => {
  let clock = 0;
  const said: string[] = [];
  const timers: (() => void)[] = [];
  const io = { out: () => {}, err: (text: string) => void said.push(text.trim()) };
  const progress = progressTo(
    io,
    () => clock,
    undefined,
    (_ms, run) => void timers.push(run),
  );
  clock = 100;
  progress("1 of 3 ready; waiting for a");
  progress("2 of 3 ready; waiting for b");
  assert.deepEqual(said, []);
  clock = 2000;
  for (const run of timers) run();
  assert.deepEqual(said, ["2.0 s  2 of 3 ready; waiting for b"]);
});
