import type { Readable } from "node:stream";
import type { Clock } from "../../machinery/index.ts";
import { maxBodyBytes, tooLarge } from "../codec/decode.ts";
import { LateError } from "../deadline.ts";

/** Until when a body has to be there. `ms`: undefined where nobody minds. */
export interface BodyLimit {
  clock: Clock;
  ms: number | undefined;
}

/**
 * A request's body; undefined when there is none. Anything beyond the limit is refused before it is read whole
 * (StatusError 413), and what has not come in time (LateError); rejects with another error when the client goes away before the end.
 */
export function readBody(
  input: Readable,
  announced: string | undefined,
  { clock, ms }: BodyLimit,
): Promise<Uint8Array | undefined> {
  return new Promise((resolve, reject) => {
    if (Number(announced ?? "0") > maxBodyBytes) {
      reject(tooLarge());
      return;
    }
    const chunks: Buffer[] = [];
    let size = 0;
    const onData = (chunk: Buffer): void => {
      size += chunk.length;
      if (size > maxBodyBytes) settle(() => reject(tooLarge()));
      else chunks.push(chunk);
    };
    const onEnd = (): void =>
      settle(() => resolve(chunks.length <= 1 ? chunks[0] : Buffer.concat(chunks, size)));
    const onLost = (): void => settle(() => reject(new Error("the client went away within its request")));
    const timer = ms === undefined ? undefined : clock.timer(ms, () => settle(() => reject(new LateError())));
    const settle = (then: () => void): void => {
      timer?.stop();
      input.off("data", onData).off("end", onEnd).off("close", onLost);
      then();
    };
    input.on("data", onData).on("end", onEnd).on("close", onLost);
  });
}
