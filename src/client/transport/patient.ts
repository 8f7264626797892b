import type { Clock } from "../../machinery/index.ts";
import type { ApiTransport, TransportRequest, TransportResponse } from "../transport.ts";
import { bodyText } from "./body.ts";
import type { Turnstile } from "./turnstile.ts";

/** A server that is still busy after so many attempts has its answer told. */
const maxAttempts = 10;

/**
 * Sends a request again when the server is too busy and says after how many seconds to come back, as Kubernetes' own
 * client does. Such a request has not been looked at.
 */
export async function requestPatiently(
  transport: ApiTransport,
  request: TransportRequest,
  clock: Clock,
  turnstile: Turnstile,
): Promise<TransportResponse> {
  for (let attempt = 0; ; attempt++) {
    const response = await turnstile.through(() => transport.request(request));
    if (response.status !== 429 && response.status < 500) return response;
    const seconds = Number(response.headers["retry-after"]);
    if (!(seconds >= 0) || attempt === maxAttempts) return response;
    // The connection is free for others meanwhile.
    await bodyText(response.body);
    await clock.sleep(seconds * 1000, request.signal);
  }
}
