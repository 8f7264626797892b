import { systemClock } from "../machinery/index.ts";
import { settle } from "./fake-clock.ts";

/** Ends a test that has failed. No machine is so slow that what comes at all has not come by then. */
const limitMs = 90_000;
/** So many turns of the event loop what is at work in this process gets before the machine is left to others. */
const turns = 200;

/** Looks again and again until something is there, which is given back. Rejects with `what` when nothing comes. */
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
