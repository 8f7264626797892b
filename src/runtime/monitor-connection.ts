import { connect, type Socket } from "node:net";
import {
  decodeFields,
  encodeFields,
  encodeFrame,
  encodePlan,
  errnoName,
  type Field,
  frameReader,
} from "../linux/index.ts";
import type { Plan } from "./plan.ts";
import { RuntimeError } from "./runtime-error.ts";

/** How a process ended. `startedAt` and `finishedAt` are nanoseconds since the epoch. */
export interface Exit {
  exitCode: number;
  /** 0 unless it was killed by a signal. */
  signal: number;
  oomKilled: boolean;
  startedAt: bigint;
  finishedAt: bigint;
}

export interface Running {
  pid: number;
  startedAt: bigint;
}

const frame = (letter: string): number => letter.charCodeAt(0);
const frames = {
  result: frame("R"),
  exit: frame("E"),
  stdout: frame("1"),
  stderr: frame("2"),
};

/**
 * A connection to a container's monitor (native/monitor.c). Requests are answered in order; attached output is passed to
 * `onOutput`, which returns false to pause the monitor until `resume()`.
 */
export class MonitorConnection {
  readonly #socket: Socket;
  readonly #waiting: { resolve(running: Running): void; reject(error: Error): void }[] = [];
  /** Undefined when the connection ended before the process. */
  readonly exited: Promise<Exit | undefined>;
  #closed: Error | undefined;
  #background = false;
  onOutput: (stream: "stdout" | "stderr", data: Buffer) => boolean = () => true;

  private constructor(socket: Socket, opened: Promise<void>) {
    this.#socket = socket;
    let settle: (exit: Exit | undefined) => void = () => undefined;
    this.exited = new Promise((resolve) => {
      settle = resolve;
    });
    socket.on(
      "data",
      frameReader((type, payload) => {
        if (type === frames.stdout || type === frames.stderr) {
          if (!this.onOutput(type === frames.stdout ? "stdout" : "stderr", payload)) socket.pause();
        } else if (type === frames.exit) {
          settle(exitOf(decodeFields(payload).map(String)));
        } else if (type === frames.result) {
          const fields = decodeFields(payload).map(String);
          const one = this.#waiting.shift();
          if (this.#background && this.#waiting.length === 0) socket.unref();
          if (fields[0] === "ok") one?.resolve({ pid: Number(fields[1]), startedAt: BigInt(fields[2] ?? 0) });
          else one?.reject(stepError(fields));
        }
      }),
    );
    const end = (error: Error): void => {
      this.#closed ??= error;
      for (const one of this.#waiting.splice(0)) one.reject(this.#closed);
      settle(undefined);
    };
    socket.on("error", (cause) =>
      end(new RuntimeError("gone", "the container's monitor is gone", { cause })),
    );
    socket.on("close", () => end(new RuntimeError("gone", "the container's monitor is gone")));
    opened.catch(() => undefined);
  }

  /** Rejects with a `gone` RuntimeError when there is no monitor. */
  static async open(path: string): Promise<MonitorConnection> {
    const socket = connect(path);
    const opened = new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", (cause) =>
        reject(new RuntimeError("gone", `no monitor answers at ${path}`, { cause })),
      );
    });
    const connection = new MonitorConnection(socket, opened);
    await opened;
    return connection;
  }

  #ask(type: string, payload: Uint8Array): Promise<Running> {
    return new Promise((resolve, reject) => {
      if (this.#closed) {
        reject(this.#closed);
        return;
      }
      this.#waiting.push({ resolve, reject });
      this.#socket.ref();
      this.#socket.write(encodeFrame(frame(type), payload));
    });
  }

  /** On the launch socket: the other end becomes the monitor. Resolves when the program runs. */
  launch(plan: Plan): Promise<Running> {
    return this.#ask("P", encodePlan(plan));
  }

  /** On a monitor's socket: starts an exec on this connection. */
  exec(plan: Plan): Promise<Running> {
    return this.#ask("X", encodePlan(plan));
  }

  watch(): Promise<Running> {
    return this.#ask("W", encodeFields([]));
  }

  attach(stdin: boolean): Promise<Running> {
    return this.#ask("A", encodeFields([stdin]));
  }

  signal(number: number, all = false): Promise<Running> {
    return this.#ask("s", encodeFields([number, all]));
  }

  reopenLog(): Promise<Running> {
    return this.#ask("l", encodeFields([]));
  }

  go(): Promise<Running> {
    return this.#ask("g", encodeFields([]));
  }

  /** `done` is called when more may be written. */
  writeStdin(data: Uint8Array, done: (error?: Error | null) => void): void {
    for (let at = 0; at < data.length || at === 0; at += 65536) {
      const last = at + 65536 >= data.length;
      this.#socket.write(encodeFrame(frame("i"), data.subarray(at, at + 65536)), last ? done : undefined);
    }
  }

  endStdin(): void {
    if (!this.#closed) this.#socket.write(encodeFrame(frame("c"), encodeFields([])));
  }

  resize(columns: number, rows: number): void {
    const fields: Field[] = [columns, rows];
    if (!this.#closed) this.#socket.write(encodeFrame(frame("r"), encodeFields(fields)));
  }

  resume(): void {
    this.#socket.resume();
  }

  /** An open connection keeps the program alive until this call; a pending request still does. */
  unref(): void {
    this.#background = true;
    if (this.#waiting.length === 0) this.#socket.unref();
  }

  /** Reverts `unref`. */
  ref(): void {
    this.#background = false;
    this.#socket.ref();
  }

  close(): void {
    this.#socket.destroy();
  }
}

function exitOf(fields: string[]): Exit {
  const [code, signal, oom, started = "0", finished = "0"] = fields;
  return {
    exitCode: Number(code),
    signal: Number(signal),
    oomKilled: oom === "1",
    startedAt: BigInt(started),
    finishedAt: BigInt(finished),
  };
}

function stepError(fields: string[]): RuntimeError {
  const [, step = "", errno = "0", detail = ""] = fields;
  return RuntimeError.ofStep(step, errnoName(Number(errno)), detail);
}
