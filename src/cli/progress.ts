import type { Output } from "./own-command.ts";

/** Steps of something that takes a while, on standard error: one line each, with the time since the start. */
export function progressTo(io: Output, now: () => number): (text: string) => void {
  const started = now();
  let last = "";
  return (text) => {
    if (text === last) return;
    last = text;
    io.err(`${`${((now() - started) / 1000).toFixed(1)} s`.padStart(7)}  ${text}\n`);
  };
}
