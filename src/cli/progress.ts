import type { Output } from "./own-command.ts";

/** What is of interest only until the next line comes: steps of a build, and who is waited for. */
const passing = /^image \S+: |^\d+ of \d+ ready/;
/** Without a terminal, passing lines come no closer than this. */
const quietMs = 2000;

/**
 * Steps of something that takes a while, on standard error, with the time since the start. On a terminal passing lines
 * overwrite each other; elsewhere most of them are left out, but the last one is always said in the end.
 */
export function progressTo(
  io: Output,
  now: () => number,
  terminal: { columns: number } | undefined = process.stderr.isTTY ? process.stderr : undefined,
  later: (ms: number, run: () => void) => void = (ms, run) => void setTimeout(run, ms).unref(),
): (text: string) => void {
  const started = now();
  let last = "";
  let shownAt = started;
  let open = false;
  const show = (text: string, brief: boolean): void => {
    shownAt = now();
    const line = `${`${((now() - started) / 1000).toFixed(1)} s`.padStart(7)}  ${text}`;
    const clear = open ? "\r\x1b[K" : "";
    open = brief && terminal !== undefined;
    io.err(clear + (open && terminal ? line.slice(0, Math.max(20, terminal.columns - 1)) : `${line}\n`));
  };
  return (text) => {
    if (text === last) return;
    last = text;
    const brief = passing.test(text);
    const wait = quietMs - (now() - shownAt);
    if (!brief || terminal || wait <= 0) show(text, brief);
    else {
      later(wait, () => {
        if (text === last) show(text, brief);
      });
    }
  };
}
