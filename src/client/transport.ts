/**
 * One request to the API server, whatever carries it: a call of its handler (same thread), frames over a message port
 * (worker thread) or HTTPS. A part cannot tell which one it got: authentication, authorization, admission and encoding
 * run for all of them.
 */
export interface ApiTransport {
  /** Rejects only when no answer arrived (connection lost, aborted); an error answer is an answer. */
  request(request: TransportRequest): Promise<TransportResponse>;
  /** Frees connections. Requests still under way are aborted. */
  close(): Promise<void>;
}

export interface TransportRequest {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Path and query, percent-encoded, starting with "/". */
  path: string;
  /** Lower-case names. */
  headers?: Readonly<Record<string, string>>;
  /** Nobody writes to these bytes after handing them over. */
  body?: Uint8Array;
  /** Aborting ends the request on the server too. */
  signal?: AbortSignal;
}

export interface TransportResponse {
  status: number;
  headers: Readonly<Record<string, string>>;
  /** Chunks as they come; a watch's stream ends when either side ends it. Leaving the loop early cancels the request. */
  body: AsyncIterable<Uint8Array>;
}
