import type { Clock } from "../../machinery/index.ts";
import type { ApiTransport, TransportRequest, TransportResponse } from "../transport.ts";
import { bodyText } from "./body.ts";
import type { Turnstile } from "./turnstile.ts";

/** After this many attempts the response of a busy server is returned. */
const maxAttempts = 10;

/** Retries requests that a busy server rejects with a Retry-After, as client-go does. Such requests have not been processed. */
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
    // The connection is free for other requests in the meantime.
    await bodyText(response.body);
    await clock.sleep(seconds * 1000, request.signal);
  }
}
