import type { Clock, Logger } from "../machinery/index.ts";
import type { ApiTransport } from "./transport.ts";

/**
 * The context of a component. A component is a function of it and of plain data that survives `structuredClone`; it resolves
 * when it has released all resources.
 */
export interface ComponentContext {
  readonly api: ApiTransport;
  readonly clock: Clock;
  readonly log: Logger;
  /** Aborted to stop the component. */
  readonly signal: AbortSignal;
}
