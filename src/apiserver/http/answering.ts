/** Answers the requests of one port, over HTTP/1.1 and HTTP/2. */
import type { Answer } from "../response.ts";
import type { Carrier } from "./carrier.ts";
import type { FrontHandlers } from "./front-handlers.ts";
import type { FrontRequest } from "./front-request.ts";
import type { SessionWatch } from "./limits.ts";
import { respond } from "./respond.ts";
import { UnderWay } from "./under-way.ts";

/** An unread rest of a body up to this size is discarded, so that the connection can be used again, as in Go's server. */
const maxLeftBytes = 256 * 1024;

export class Answering {
  readonly #handlers: FrontHandlers;
  /** Requests that closing the port waits for. */
  readonly underWay = new UnderWay();
  /** The port is being closed: every answer is the last of its connection. */
  closing = false;

  constructor(handlers: FrontHandlers) {
    this.#handlers = handlers;
  }

  /** Never throws. `session`: the connection, of HTTP/2. */
  begin(request: FrontRequest, carrier: Carrier, session?: SessionWatch): void {
    session?.begin();
    this.#serve(request, carrier, session).catch((error: unknown) => {
      this.#handlers.log.debug("connection lost while answering", { error });
      // Without an error an HTTP/2 stream would end as if it were complete.
      carrier.out.destroy(error instanceof Error ? error : new Error(String(error)));
    });
  }

  async #serve(request: FrontRequest, carrier: Carrier, session?: SessionWatch): Promise<void> {
    const handlers = this.#handlers;
    let answer: Answer | undefined;
    const over = this.underWay.begin();
    carrier.out.once("close", () => {
      request.end();
      answer?.over?.();
      answer?.deadline?.end();
      over();
      session?.end(carrier.out.writableLength);
    });
    const { headers, input } = request;
    answer = await handlers.handle(request);
    if (request.over) {
      handlers.aborted?.(request);
      answer.over?.();
      return;
    }
    answer.deadline?.cut(() => carrier.out.destroy(new Error("the client takes its answer too slowly")));
    if (input && input.left > 0) carrier.refuseRest(answer.headers, input.left > maxLeftBytes);
    if (answer.lasts) over();
    if (this.closing || answer.hangUp) carrier.hangUp(answer.headers);
    else if (session && (answer.unauthenticated || handlers.goAway?.())) carrier.hangUp(answer.headers);
    await respond(carrier, answer, headers["accept-encoding"], request.method === "HEAD");
  }
}
