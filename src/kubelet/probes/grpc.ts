import { connect } from "node:http2";
import { type Clock, varint } from "../../machinery/index.ts";
import type { ProbeOutcome } from "./outcome.ts";

/** grpc.health.v1.Health/Check: success when the service answers SERVING (1). */
export function probeGrpc(
  host: string,
  port: number,
  service: string,
  timeoutMs: number,
  clock: Clock,
): Promise<ProbeOutcome> {
  return new Promise((resolve) => {
    const where = `${host.includes(":") ? `[${host}]` : host}:${port}`;
    const session = connect(`http://${where}`);
    const end = (outcome: ProbeOutcome): void => {
      timer.stop();
      session.destroy();
      resolve(outcome);
    };
    const fail = (output: string): void => end({ result: "failure", output });
    const timer = clock.timer(timeoutMs, () =>
      fail(`timeout: failed to connect service "${where}" within ${timeoutMs}ms`),
    );
    session.on("error", (cause) => fail(`error: health rpc probe failed: ${cause.message}`));
    const stream = session.request({
      ":method": "POST",
      ":path": "/grpc.health.v1.Health/Check",
      "content-type": "application/grpc",
      te: "trailers",
      "user-agent": "kube-probe/1.36",
    });
    const chunks: Buffer[] = [];
    let status: string | undefined;
    stream.on("response", (headers) => (status = headers["grpc-status"] as string | undefined));
    stream.on("trailers", (trailers) => (status = trailers["grpc-status"] as string | undefined));
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("error", (cause) => fail(`error: health rpc probe failed: ${cause.message}`));
    stream.on("end", () => {
      if (status === "12")
        return fail("error: this server does not implement the grpc health protocol (grpc.health.v1.Health)");
      if (status !== undefined && status !== "0")
        return fail(`error: health rpc probe failed: grpc status ${status}`);
      const serving = servingStatus(Buffer.concat(chunks));
      if (serving === 1) return end({ result: "success", output: "service healthy" });
      return fail(`service unhealthy (responded with "${statusNames[serving] ?? serving}")`);
    });
    stream.end(healthRequest(service));
  });
}

const statusNames = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"];

/** A length-prefixed message with the service's name in field 1. */
function healthRequest(service: string): Buffer {
  const name = Buffer.from(service, "utf8");
  const message =
    name.length === 0 ? Buffer.alloc(0) : Buffer.concat([Buffer.from([0x0a, ...varint(name.length)]), name]);
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

/** Field 1 of the response; without it 0, UNKNOWN. */
function servingStatus(answer: Buffer): number {
  return answer.length >= 7 && answer[5] === 0x08 ? (answer[6] ?? 0) : 0;
}
