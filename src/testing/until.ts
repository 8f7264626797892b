import { systemClock } from "../machinery/index.ts";
import { settle } from "./fake-clock.ts";

/** Timeout of a failed test, long enough for any machine. */
const limitMs = 90_000;
/** Turns of the event loop before yielding the processor to other processes. */
const turns = 200;

/** Polls until the result is truthy, and returns it. Rejects with `what` on timeout. */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined | false> | T | undefined | false,
): Promise<T> {
  const end = systemClock.monotonic() + limitMs;
  for (let turn = 0; ; turn++) {
    const late = systemClock.monotonic() > end;
    const found = await look();
    if (found) return found;
    if (late) throw new Error(`it did not come: ${what}`);
    await (turn < turns ? settle(1) : systemClock.sleep(1));
  }
}
