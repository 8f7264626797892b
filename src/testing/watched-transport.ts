import type { ApiTransport, TransportRequest, TransportResponse } from "../client/index.ts";
import { StatusError } from "../machinery/index.ts";

/** A recorded call. */
export interface SeenCall {
  method: string;
  path: string;
  body: unknown;
}

/** A transport that records calls and lets tests interfere. */
export interface WatchedTransport extends ApiTransport {
  readonly calls: SeenCall[];
  /** Called before every request; a StatusError it throws becomes the response. */
  intercept: ((call: SeenCall) => void | Promise<void>) | undefined;
  /** Ends all watches, as a restarting server does. */
  endWatches(): void;
}

export function watchTransport(inner: ApiTransport): WatchedTransport {
  const watches = new Set<AbortController>();
  const watched: WatchedTransport = {
    calls: [],
    intercept: undefined,
    endWatches() {
      for (const watch of watches) watch.abort(new Error("the server ended the watch"));
      watches.clear();
    },
    async request(request) {
      const body = request.body
        ? (JSON.parse(Buffer.from(request.body).toString("utf8")) as unknown)
        : undefined;
      const call = { method: request.method, path: request.path, body };
      watched.calls.push(call);
      try {
        await watched.intercept?.(call);
      } catch (error) {
        if (!(error instanceof StatusError)) throw error;
        return { status: error.code, headers: {}, body: once(Buffer.from(JSON.stringify(error.toStatus()))) };
      }
      return request.path.includes("watch=true") ? await follow(request) : await inner.request(request);
    },
    close: () => inner.close(),
  };
  return watched;

  async function follow(request: TransportRequest): Promise<TransportResponse> {
    const end = new AbortController();
    watches.add(end);
    const signal = request.signal ? AbortSignal.any([request.signal, end.signal]) : end.signal;
    return await inner.request({ ...request, signal });
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
