/** Bodies are taken when somebody wants them: not before it is known who asks, that they may, and that it is their turn. */
import type { Readable } from "node:stream";

/** A body on its way. It is taken once, in one way or the other. */
export interface RequestInput {
  /** Undefined when it is empty. Rejects with a StatusError: 413 when it is too long, 500 when it ends before its end. */
  whole(): Promise<Uint8Array | undefined>;
  /** As it comes, however long. `length`: what the client says of it, in bytes; undefined where it does not. */
  stream(): { from: Readable; length: number | undefined };
}

/** Puts the body where those look who decode it. */
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
