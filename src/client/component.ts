import type { Clock, Logger } from "../machinery/index.ts";
import type { ApiTransport } from "./transport.ts";

/** What every part is handed, wherever it runs. */
export interface ComponentContext {
  readonly api: ApiTransport;
  readonly clock: Clock;
  readonly log: Logger;
  /** Aborted to stop the part. */
  readonly signal: AbortSignal;
}

/** A part: settles when all it held is released. `config` is plain data that survives `structuredClone`. */
export type Component<Config> = (context: ComponentContext, config: Config) => Promise<void>;
