/** Bodies are read late: after authentication, flow control and authorization. */
import type { Readable } from "node:stream";

/** A body that has not been read yet. It can be read once, in one of two ways. */
export interface RequestInput {
  /** Undefined when it is empty. Rejects with a StatusError: 413 when it is too long, 500 when it ends before its end. */
  whole(): Promise<Uint8Array | undefined>;
  /** A stream, without a limit. `length`: the content-length, if given. */
  stream(): { from: Readable; length: number | undefined };
}

/** Reads the body into `request.body`, for decoding. */
export async function takeBody(request: {
  input?: RequestInput | undefined;
  body?: Uint8Array;
}): Promise<void> {
  const { input } = request;
  if (!input) return;
  request.input = undefined;
  const body = await input.whole();
  if (body) request.body = body;
}
