/**
 * Sends a request to the API server by any transport: a call of its handler (same thread), frames over a message port (worker
 * thread) or HTTPS. They behave the same: authentication, authorization, admission and encoding apply to all.
 */
export interface ApiTransport {
  /** Rejects only without a response (connection lost, aborted); error responses resolve. */
  request(request: TransportRequest): Promise<TransportResponse>;
  /** Closes connections. Pending requests are aborted. */
  close(): Promise<void>;
}

export interface TransportRequest {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Path and query, percent-encoded, starting with "/". */
  path: string;
  /** Lower-case names. */
  headers?: Readonly<Record<string, string>>;
  /** Must not be modified after the call. */
  body?: Uint8Array;
  /** Aborts the request on the server, too. */
  signal?: AbortSignal;
}

export interface TransportResponse {
  status: number;
  headers: Readonly<Record<string, string>>;
  /** Chunks as they arrive; either side may end a watch's stream. Leaving the loop early cancels the request. */
  body: AsyncIterable<Uint8Array>;
}
