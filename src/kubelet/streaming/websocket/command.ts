import type { WebSocket } from "ws";
import type { CommandStreams } from "../command-streams.ts";
import type { Wanted } from "../spdy/command.ts";
import { WebSocketChannels } from "./channels.ts";

/** Subprotocols, best first. v5 adds the close signal, without which the end of stdin cannot be sent. */
export const webSocketCommandProtocols = [
  "v5.channel.k8s.io",
  "v4.channel.k8s.io",
  "v4.base64.channel.k8s.io",
  "channel.k8s.io",
  "base64.channel.k8s.io",
] as const;

const channel = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4 } as const;

export function webSocketCommandStreams(socket: WebSocket, options: Wanted): CommandStreams {
  const channels = new WebSocketChannels(socket);
  const stdout = options.stdout ? channels.writable(channel.stdout) : undefined;
  const stderr = options.stderr && !options.tty ? channels.writable(channel.stderr) : undefined;
  // An empty message on the first output channel tells the client that the command runs.
  channels.send(stdout ? channel.stdout : stderr ? channel.stderr : channel.error, Buffer.alloc(0));
  const asStatus = socket.protocol.startsWith("v5.") || socket.protocol.startsWith("v4.");
  return {
    stdin: options.stdin ? channels.readable(channel.stdin) : undefined,
    stdout,
    stderr,
    gone: channels.gone,
    onResize(listener) {
      channels.onMessage(channel.resize, (chunk) => {
        try {
          const value = JSON.parse(chunk.toString("utf8")) as { Width?: number; Height?: number };
          listener({ width: value.Width ?? 0, height: value.Height ?? 0 });
        } catch {
          // invalid sizes are ignored
        }
      });
    },
    async finish(status) {
      const text = asStatus
        ? JSON.stringify(status)
        : status.status === "Success"
          ? ""
          : (status.message ?? "");
      if (text !== "")
        await new Promise<void>((resolve) =>
          channels.send(channel.error, Buffer.from(text), () => resolve()),
        );
      channels.close();
      await channels.gone;
    },
  };
}
