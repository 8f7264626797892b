import { type Status } from "../../machinery/index.ts";
import { queryText } from "../resource.ts";
import type { ServerConnection } from "../transport/credentials.ts";
import { openWebSocket } from "./open.ts";

export interface ExecOptions {
  namespace: string;
  pod: string;
  container?: string | undefined;
  /** Empty for attach. */
  command: readonly string[];
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  tty: boolean;
  signal?: AbortSignal | undefined;
}

export interface ExecSession {
  /** Resolves when the bytes are sent. */
  write(data: Uint8Array): Promise<void>;
  /** Ends the process's input. */
  endInput(): void;
  resize(columns: number, rows: number): void;
  /**
   * The result: `Success`, or a Failure whose reason `NonZeroExitCode` has a cause `ExitCode` with the number in its message.
   * Rejects when the connection broke first.
   */
  readonly status: Promise<Status>;
  close(): void;
}

/** Destination of output. A returned promise applies backpressure until it resolves. */
export interface ExecOutput {
  stdout?(data: Uint8Array): void | Promise<void>;
  stderr?(data: Uint8Array): void | Promise<void>;
}

/** Channel numbers of `v5.channel.k8s.io`: the first byte of each message. 255 closes the channel in the second byte. */
const channel = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;

/** Runs a command in a container, or attaches to its main process. */
export async function openExec(
  connection: ServerConnection,
  verb: "exec" | "attach",
  options: ExecOptions,
  output: ExecOutput,
): Promise<ExecSession> {
  const { namespace, pod } = options;
  const query = queryText({
    container: options.container,
    stdin: options.stdin,
    stdout: options.stdout,
    stderr: options.stderr,
    tty: options.tty,
  });
  const command = options.command.map((word) => `command=${encodeURIComponent(word)}`).join("&");
  const path =
    `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}/${verb}` +
    query +
    (command ? `${query ? "&" : "?"}${command}` : "");
  const socket = await openWebSocket(
    connection,
    path,
    ["v5.channel.k8s.io", "v4.channel.k8s.io"],
    options.signal,
  );
  const status = Promise.withResolvers<Status>();
  status.promise.catch(() => {});
  let outstanding: Promise<void> = Promise.resolve();
  let ended: Status | undefined;

  socket.on("message", (data: Buffer) => {
    const bytes = data.subarray(1);
    switch (data[0]) {
      case channel.stdout:
      case channel.stderr: {
        if (bytes.length === 0) break;
        const wait = data[0] === channel.stdout ? output.stdout?.(bytes) : output.stderr?.(bytes);
        if (wait) {
          socket.pause();
          // The output is closed, so there is nothing left to do.
          outstanding = Promise.all([outstanding, wait]).then(
            () => socket.resume(),
            () => socket.terminate(),
          );
        }
        break;
      }
      case channel.error:
        if (bytes.length > 0) ended = JSON.parse(bytes.toString("utf8")) as Status;
        break;
      default:
    }
  });
  socket.on("close", (code, reason) => {
    void outstanding.finally(() => {
      if (ended) status.resolve(ended);
      else if (options.signal?.aborted) status.reject(options.signal.reason);
      else
        status.reject(new Error(`the stream ended without a result (${code} ${reason.toString()})`.trim()));
    });
  });
  socket.on("error", (error) => status.reject(error));
  socket.resume();

  const send = (first: number, data: Uint8Array): Promise<void> =>
    new Promise((resolve, reject) => {
      const message = Buffer.allocUnsafe(data.length + 1);
      message[0] = first;
      message.set(data, 1);
      socket.send(message, (error) => (error ? reject(error) : resolve()));
    });
  return {
    write: (data) => send(channel.stdin, data),
    endInput() {
      // Only version 5 can close one direction.
      if (socket.protocol === "v5.channel.k8s.io" && socket.readyState === socket.OPEN) {
        socket.send(Buffer.from([channel.close, channel.stdin]));
      }
    },
    resize(columns, rows) {
      if (socket.readyState !== socket.OPEN) return;
      send(channel.resize, Buffer.from(JSON.stringify({ Width: columns, Height: rows }))).catch(() => {});
    },
    status: status.promise,
    close: () => socket.close(),
  };
}

/** The exit code of a result; undefined when the command could not be run. */
export function exitCodeOf(status: Status): number | undefined {
  if (status.status === "Success") return 0;
  const cause = status.details?.causes?.find((each) => each.reason === "ExitCode");
  return cause?.message === undefined ? undefined : Number(cause.message);
}
