import type { Pod } from "../../api/index.ts";
import { type ExecSession, exitCodeOf, openExec } from "../../client/index.ts";
import type { Context } from "./command.ts";

interface StreamOptions {
  stdin: boolean;
  tty: boolean;
}

/** Runs a command in a container with this process's standard streams; returns its exit code. */
export async function execIn(
  context: Context,
  pod: Pod,
  container: string,
  command: readonly string[],
  options: StreamOptions,
): Promise<number> {
  return stream(context, "exec", pod, container, command, options);
}

/** Connects this process's standard streams to those of a container. */
export async function attachTo(
  context: Context,
  pod: Pod,
  container: string,
  options: StreamOptions,
): Promise<number> {
  return stream(context, "attach", pod, container, [], options);
}

async function stream(
  context: Context,
  verb: "exec" | "attach",
  pod: Pod,
  container: string,
  command: readonly string[],
  { stdin, tty }: StreamOptions,
): Promise<number> {
  const terminal = tty && process.stdin.isTTY === true;
  if (tty && stdin && !terminal)
    context.io.err("Unable to use a TTY - input is not a terminal or the right kind of file\n");
  const drained = (stream: NodeJS.WriteStream, data: Uint8Array): void | Promise<void> => {
    if (!stream.write(data)) return new Promise((resolve) => stream.once("drain", resolve));
  };
  const session = await openExec(
    context.connection,
    verb,
    {
      namespace: pod.metadata?.namespace ?? context.session.namespace,
      pod: pod.metadata?.name ?? "",
      container,
      command,
      stdin,
      stdout: true,
      stderr: !tty,
      tty,
      // With a terminal, Ctrl-C is sent to the container.
      signal: terminal ? undefined : context.signal,
    },
    { stdout: (data) => drained(process.stdout, data), stderr: (data) => drained(process.stderr, data) },
  );
  const restore = terminal ? rawTerminal(session) : () => {};
  if (stdin) feed(session);
  try {
    const status = await session.status;
    const code = exitCodeOf(status);
    if (code === undefined) throw new Error(status.message ?? "the command could not be run");
    if (code !== 0 && !tty) context.io.err(`command terminated with exit code ${code}\n`);
    return code;
  } finally {
    restore();
    process.stdin.destroy();
  }
}

function feed(session: ExecSession): void {
  process.stdin.on("data", (data: Buffer) => {
    process.stdin.pause();
    session.write(data).then(
      () => process.stdin.resume(),
      () => process.stdin.destroy(),
    );
  });
  process.stdin.on("end", () => session.endInput());
}

/** Raw mode: every key is sent as typed, and the remote terminal is resized with the local one. */
function rawTerminal(session: ExecSession): () => void {
  const resize = (): void => session.resize(process.stdout.columns, process.stdout.rows);
  process.stdin.setRawMode(true);
  process.stdout.on("resize", resize);
  resize();
  return () => {
    process.stdin.setRawMode(false);
    process.stdout.off("resize", resize);
  };
}
