import { type ClientHttp2Session, connect } from "node:http2";
import type { Socket } from "node:net";

/** By number. */
const statuses = [
  "OK",
  "Canceled",
  "Unknown",
  "InvalidArgument",
  "DeadlineExceeded",
  "NotFound",
  "AlreadyExists",
  "PermissionDenied",
  "ResourceExhausted",
  "FailedPrecondition",
  "Aborted",
  "OutOfRange",
  "Unimplemented",
  "Internal",
  "Unavailable",
  "DataLoss",
  "Unauthenticated",
];

/** A failed call, in Go's words. */
class GrpcError extends Error {
  /** Name of the status: `Unavailable`. */
  readonly grpcStatus: string;

  constructor(status: string, text: string, options?: ErrorOptions) {
    super(`rpc error: code = ${status} desc = ${text}`, options);
    this.grpcStatus = status;
  }
}

const maxAnswerBytes = 4 * 1024 * 1024;

/** Unary gRPC calls without TLS over one connection, which is re-established when lost. */
export class UnaryGrpc {
  readonly #connect: () => Socket;
  readonly #authority: string;
  readonly #timeoutMs: number;
  #session: ClientHttp2Session | undefined;

  /** `authority`: the `:authority` of calls. */
  constructor(connectTo: () => Socket, timeoutMs: number, authority = "localhost") {
    this.#connect = connectTo;
    this.#authority = authority;
    this.#timeoutMs = timeoutMs;
  }

  close(): void {
    this.#session?.destroy();
    this.#session = undefined;
  }

  /** `method`: `/package.Service/Method`. Rejects with a GrpcError. */
  call(method: string, message: Uint8Array): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const session = this.#connected();
      const stream = session.request({
        ":method": "POST",
        ":path": method,
        "content-type": "application/grpc",
        te: "trailers",
        "grpc-timeout": `${this.#timeoutMs}m`,
      });
      const timer = setTimeout(() => {
        stream.close();
        this.close();
        reject(new GrpcError("DeadlineExceeded", "context deadline exceeded"));
      }, this.#timeoutMs);
      const fail = (error: Error): void => {
        clearTimeout(timer);
        reject(new GrpcError("Unavailable", error.message, { cause: error }));
      };
      const chunks: Buffer[] = [];
      let size = 0;
      let status: string | undefined;
      let explanation = "";
      const look = (headers: Record<string, unknown>): void => {
        if (headers["grpc-status"] === undefined) return;
        status = String(headers["grpc-status"]);
        explanation = decodeURIComponent(String(headers["grpc-message"] ?? ""));
      };
      stream.on("response", look);
      stream.on("trailers", look);
      stream.on("data", (chunk: Buffer) => {
        size += chunk.length;
        if (size > maxAnswerBytes) stream.destroy(new Error("the answer is too large"));
        else chunks.push(chunk);
      });
      stream.on("error", fail);
      stream.on("close", () => {
        clearTimeout(timer);
        if (status !== "0") {
          reject(
            status === undefined
              ? new GrpcError("Unavailable", "there was no answer")
              : new GrpcError(statuses[Number(status)] ?? "Unknown", explanation),
          );
          return;
        }
        const frame = Buffer.concat(chunks);
        if (frame.length < 5 || frame[0] !== 0 || frame.readUInt32BE(1) !== frame.length - 5)
          reject(new GrpcError("Internal", "the answer is no gRPC message"));
        else resolve(frame.subarray(5));
      });
      const head = Buffer.alloc(5);
      head.writeUInt32BE(message.length, 1);
      stream.end(Buffer.concat([head, message]));
    });
  }

  #connected(): ClientHttp2Session {
    if (this.#session && !this.#session.closed && !this.#session.destroyed) return this.#session;
    const session = connect(`http://${this.#authority}`, { createConnection: () => this.#connect() });
    // Every call gets the error itself.
    session.on("error", () => {});
    session.unref();
    this.#session = session;
    return session;
  }
}
