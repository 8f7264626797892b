import type { FlagSpec, Parsed } from "./flags.ts";

/** A command of `wherry` itself. `run` returns the exit code. */
export interface OwnCommand {
  summary: string;
  usage: string;
  flags: readonly FlagSpec[];
  run(parsed: Parsed, io: Output, signal: AbortSignal): Promise<number>;
}

export interface Output {
  out(text: string): void;
  err(text: string): void;
}
