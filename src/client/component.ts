import type { Clock, Logger } from "../machinery/index.ts";
import type { ApiTransport } from "./transport.ts";

/**
 * What every part is handed, wherever it runs. A part is a function of it and of plain data that survives `structuredClone`; it settles
 * when all it held is released.
 */
export interface ComponentContext {
  readonly api: ApiTransport;
  readonly clock: Clock;
  readonly log: Logger;
  /** Aborted to stop the part. */
  readonly signal: AbortSignal;
}
