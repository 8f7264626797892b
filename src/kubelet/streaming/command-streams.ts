import type { Readable, Writable } from "node:stream";
import { finished } from "node:stream/promises";
import type { StreamSession } from "../../cri/index.ts";
import type { Status } from "../../machinery/index.ts";

export interface TerminalSize {
  width: number;
  height: number;
}

/** A remote command's client, independent of the protocol. */
export interface CommandStreams {
  stdin: Readable | undefined;
  stdout: Writable | undefined;
  stderr: Writable | undefined;
  onResize(listener: (size: TerminalSize) => void): void;
  /** Sends the result, after all output, and closes. */
  finish(status: Pick<Status, "status" | "message" | "reason" | "details" | "metadata">): Promise<void>;
  /** Resolves when the client is gone. */
  readonly gone: Promise<void>;
}

type Outcome = Parameters<CommandStreams["finish"]>[0];

const success: Outcome = { metadata: {}, status: "Success" };

/** The Status for a non-zero exit code, which kubectl takes from the cause. */
function exitStatus(code: number): Outcome {
  if (code === 0) return success;
  return {
    metadata: {},
    status: "Failure",
    message: `command terminated with non-zero exit code: exit status ${code}`,
    reason: "NonZeroExitCode",
    details: { causes: [{ reason: "ExitCode", message: String(code) }] },
  };
}

const failure = (error: unknown): Outcome => ({
  metadata: {},
  status: "Failure",
  message: error instanceof Error ? error.message : String(error),
  reason: "InternalError",
});

/** Copies until `from` has ended, with backpressure. Failures of either side are no errors of the command. */
async function copy(from: Readable | undefined, to: Writable | undefined): Promise<void> {
  if (!from) return;
  if (!to) {
    from.resume();
    await finished(from, { writable: false }).catch(() => {});
    return;
  }
  from.pipe(to, { end: false });
  await Promise.race([
    finished(from, { writable: false }).catch(() => {}),
    finished(to, { readable: false }).catch(() => {}),
  ]);
}

/**
 * Connects a session in a container with a client until the command has ended and all its output is delivered, or the client is
 * gone. `reportsExit`: an attach succeeds whatever the container's exit code.
 */
export async function runCommand(
  session: StreamSession,
  streams: CommandStreams,
  reportsExit: boolean,
): Promise<void> {
  streams.onResize(({ width, height }) => session.resize(width, height));
  if (session.stdin) {
    session.stdin.on("error", () => {}); // the command closed its input or ended
    // The end of input is passed on: `cat` in the container sees it.
    if (streams.stdin) streams.stdin.pipe(session.stdin);
    else session.stdin.end();
  }
  const done = async (): Promise<void> => {
    let outcome: Outcome;
    try {
      const [code] = await Promise.all([
        session.exited,
        copy(session.stdout, streams.stdout),
        copy(session.stderr, streams.stderr),
      ]);
      outcome = reportsExit ? exitStatus(code) : success;
    } catch (error) {
      outcome = failure(error);
    }
    await streams.finish(outcome);
  };
  try {
    await Promise.race([done(), streams.gone]);
  } finally {
    if (streams.stdin && session.stdin) streams.stdin.unpipe(session.stdin);
    session.close();
  }
}
