import type { Core } from "../core.ts";

/**
 * How long the start waits for the objects that every cluster has. Their writes pass through webhooks, which may hang, or need
 * this very server: after this time they are created while it serves.
 */
const patienceMs = 5000;

/** Resolves after the first round, or after the time limit. Rejects when the round fails before; a later failure is logged. */
export async function inTime(
  { clock, log, closing }: Pick<Core, "clock" | "log" | "closing">,
  round: Promise<void>,
): Promise<void> {
  const patience = new AbortController();
  let isLate = false;
  const late = clock.sleep(patienceMs, patience.signal).then(
    () => {
      isLate = true;
      log.warn("what every cluster has is not complete yet: it is made while requests are served");
    },
    () => {},
  );
  round.catch((error: unknown) => {
    if (isLate && !closing.aborted) {
      log.error("what every cluster has could not be completed; a restart tries again", { error });
    }
  });
  try {
    await Promise.race([round, late]);
  } finally {
    patience.abort();
  }
}
