import { Readable, Writable } from "node:stream";
import type { StreamSession } from "../cri/index.ts";
import type { MonitorConnection } from "../runtime/index.ts";

/** Exit code of a command that was killed with its container, whose monitor is gone before it could tell: 128 and SIGKILL. */
const killedCode = 137;

/** A CRI session over a connection to the monitor: with backpressure in both directions, ends with the process. */
export function streamSession(
  connection: MonitorConnection,
  options: { tty: boolean; stdin: boolean },
): StreamSession {
  const resume = (): void => connection.resume();
  const stdout = new Readable({ read: resume });
  const stderr = options.tty ? undefined : new Readable({ read: resume });
  connection.onOutput = (stream, data) => ((stream === "stderr" && stderr) || stdout).push(data);
  const exited = connection.exited.then((exit) => {
    stdout.push(null);
    stderr?.push(null);
    return exit?.exitCode ?? killedCode;
  });
  // Streams closed early must not end the program.
  for (const stream of [stdout, stderr]) stream?.on("error", () => undefined);
  const stdin = options.stdin
    ? new Writable({
        write: (chunk: Buffer, _encoding, done) => connection.writeStdin(chunk, done),
        final: (done) => {
          connection.endStdin();
          done();
        },
      })
    : undefined;
  stdin?.on("error", () => undefined);
  return {
    stdin,
    stdout,
    stderr,
    resize: (columns, rows) => connection.resize(columns, rows),
    exited,
    close: () => connection.close(),
  };
}
