import type { Output } from "./own-command.ts";

/** A transient line, replaced by the next: steps of a build, and what is awaited. */
const passing = /^image \S+: |^\d+ of \d+ ready/;
/** Minimum interval of transient lines without a terminal. */
const quietMs = 2000;

/**
 * Progress of a long operation on standard error, with the time since its start. On a terminal transient lines overwrite each
 * other; elsewhere most are left out, but the last one is always printed.
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
