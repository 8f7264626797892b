import { spawn } from "node:child_process";
import { connect } from "node:net";
import { once } from "node:events";
import { type Duplex, PassThrough } from "node:stream";
import type { StreamSession } from "../../../cri/index.ts";
import { StatusError } from "../../../machinery/index.ts";
import type { CommandOptions, KubeletBackend } from "../contract.ts";

/** A backend for tests: commands are local processes, ports are local. */
export interface ProcessBackend extends KubeletBackend {
  readonly sizes: string[];
  readonly sessions: Set<StreamSession>;
}

function run(command: readonly string[], options: Partial<CommandOptions>, sizes: string[]): StreamSession {
  const [file = "true", ...args] = command;
  const child = spawn(file, args, { stdio: ["pipe", "pipe", "pipe"] });
  return {
    stdin: options.stdin ? child.stdin : undefined,
    // Node drops unread output when the process ends.
    stdout: child.stdout.pipe(new PassThrough()),
    stderr: options.tty ? undefined : child.stderr.pipe(new PassThrough()),
    resize: (columns, rows) => void sizes.push(`${columns}x${rows}`),
    exited: once(child, "exit").then(([code]) => (code as number | null) ?? 137),
    close() {
      child.kill("SIGKILL");
      for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
    },
  };
}

export function processBackend(): ProcessBackend {
  const sizes: string[] = [];
  const sessions = new Set<StreamSession>();
  const keep = (session: StreamSession): StreamSession => {
    sessions.add(session);
    void session.exited.then(() => sessions.delete(session));
    return session;
  };
  return {
    sizes,
    sessions,
    async *logs(_namespace, pod, container, options, signal) {
      if (pod === "missing") throw new StatusError("NotFound", `pod "${pod}" not found`);
      yield Buffer.from(`${container} tail=${options.tailLines ?? "all"}\n`);
      if (!options.follow) return;
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    },
    async exec(_namespace, pod, _container, options) {
      if (pod === "missing") throw new StatusError("NotFound", `pod "${pod}" not found`);
      return keep(run(options.command, options, sizes));
    },
    attach: async (_namespace, _pod, _container, options) => keep(run(["cat"], options, sizes)),
    async portForward(_namespace, _pod, port): Promise<Duplex> {
      const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
      await once(socket, "connect");
      return socket;
    },
    pods: () => ({ kind: "PodList", apiVersion: "v1", items: [] }),
    summary: () => ({ node: {} }),
  };
}
