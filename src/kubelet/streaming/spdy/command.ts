import { PassThrough } from "node:stream";
import type { CommandOptions } from "../contract.ts";
import type { CommandStreams, TerminalSize } from "../command-streams.ts";
import type { SpdyConnection, SpdyStream } from "./connection.ts";

/** Versions of the remote command protocol, best first. v1 reports failures as text, v4 as a Status. */
export const commandProtocols = [
  "v4.channel.k8s.io",
  "v3.channel.k8s.io",
  "v2.channel.k8s.io",
  "channel.k8s.io",
] as const;

export type Wanted = Omit<CommandOptions, "command">;

/** The streams a client opens for these options, by their `streamtype` header. */
export function expectedStreams(options: Wanted, protocol: string): Set<string> {
  const names = new Set(["error"]);
  if (options.stdin) names.add("stdin");
  if (options.stdout) names.add("stdout");
  if (options.stderr && !options.tty) names.add("stderr");
  if (options.tty && protocol !== "v2.channel.k8s.io" && protocol !== "channel.k8s.io") names.add("resize");
  return names;
}

/** Calls `listener` for each JSON value in the stream of concatenated values. */
function readSizes(stream: SpdyStream, listener: (size: TerminalSize) => void): void {
  let text = "";
  stream.on("data", (chunk: Buffer) => {
    text += chunk.toString("utf8");
    for (let end = text.indexOf("}"); end >= 0; end = text.indexOf("}")) {
      try {
        const value = JSON.parse(text.slice(0, end + 1)) as { Width?: number; Height?: number };
        listener({ width: value.Width ?? 0, height: value.Height ?? 0 });
      } catch {
        // invalid sizes are ignored
      }
      text = text.slice(end + 1);
    }
  });
}

export function spdyCommandStreams(
  connection: SpdyConnection,
  streams: ReadonlyMap<string, SpdyStream>,
  protocol: string,
): CommandStreams {
  const error = streams.get("error");
  const finishing = (stream: SpdyStream | undefined): Promise<void> =>
    new Promise((resolve) => {
      if (!stream || stream.destroyed) return resolve();
      stream.once("close", resolve);
      stream.end(() => resolve());
    });
  return {
    stdin: streams.get("stdin")?.pipe(new PassThrough()),
    stdout: streams.get("stdout"),
    stderr: streams.get("stderr"),
    gone: connection.closed,
    onResize(listener) {
      const stream = streams.get("resize");
      if (stream) readSizes(stream, listener);
    },
    async finish(status) {
      await Promise.all([finishing(streams.get("stdout")), finishing(streams.get("stderr"))]);
      if (protocol === "v4.channel.k8s.io") error?.write(JSON.stringify(status));
      else if (status.status !== "Success") error?.write(status.message ?? "the command failed");
      await finishing(error);
      connection.close();
    },
  };
}
