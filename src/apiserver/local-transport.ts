import type { ApiTransport, TransportRequest, TransportResponse } from "../client/index.ts";
import type { Peer } from "./auth-contract.ts";
import type { HandlerRequest } from "./contract.ts";
import { type Answer, isAssembly, isPushStream, pieces, type PushStream } from "./response.ts";

type Handle = (request: HandlerRequest) => Promise<Answer>;

/** The same-thread carrier: no socket, but the whole handler chain. */
export function localTransport(handle: Handle, peer: Peer): ApiTransport {
  const closed = new AbortController();
  return {
    async request(request: TransportRequest): Promise<TransportResponse> {
      const signal = request.signal ? AbortSignal.any([request.signal, closed.signal]) : closed.signal;
      signal.throwIfAborted();
      return toTransport(await handle({ ...request, peer, signal }), signal);
    },
    close() {
      closed.abort(new Error("the connection was closed"));
      return Promise.resolve();
    },
  };
}

/** An answer whose body is read chunk by chunk. */
export function toTransport(answer: Answer, signal: AbortSignal | undefined): TransportResponse {
  const { status, headers, body, over } = answer;
  if (body instanceof Uint8Array) return { status, headers, body: once(body) };
  if (isPushStream(body)) return { status, headers, body: pulled(body, signal, over) };
  const read = isAssembly(body) ? pieces(body) : body;
  return { status, headers, body: over ? followed(read, signal, over) : read };
}

/** Calls back when the body was read to its end or abandoned. */
function followed(
  body: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
  over: () => void,
): AsyncIterable<Uint8Array> {
  if (signal?.aborted) over();
  else signal?.addEventListener("abort", over, { once: true });
  return (async function* () {
    try {
      yield* body;
    } finally {
      signal?.removeEventListener("abort", over);
      over();
    }
  })();
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.length > 0) yield bytes;
}

/** A push stream as chunks. Begins at once, so that nothing is missed before the first read. */
function pulled(
  stream: PushStream,
  signal: AbortSignal | undefined,
  over: (() => void) | undefined,
): AsyncIterable<Uint8Array> {
  let waiting: Uint8Array[] = [];
  let backlog = 0;
  let ended = false;
  let failure: unknown;
  let wake: (() => void) | undefined;
  let taken: (() => void)[] = [];
  const notify = (): void => {
    wake?.();
    wake = undefined;
  };
  const stop = stream.start({
    write(chunk) {
      waiting.push(chunk);
      backlog += chunk.length;
      notify();
    },
    writeParts(parts) {
      this.write(Buffer.concat(parts));
    },
    end() {
      ended = true;
      over?.();
      notify();
    },
    get backlog() {
      return backlog;
    },
    whenTaken(callback) {
      taken.push(callback);
      notify();
    },
  });
  const onAbort = (): void => {
    failure = signal?.reason;
    ended = true;
    waiting = [];
    stop();
    over?.();
    notify();
  };
  if (signal?.aborted) onAbort();
  else signal?.addEventListener("abort", onAbort, { once: true });
  return (async function* () {
    try {
      for (;;) {
        const chunks = waiting;
        waiting = [];
        backlog = 0;
        for (const chunk of chunks) yield chunk;
        if (waiting.length > 0) continue;
        const hearers = taken;
        taken = [];
        for (const hear of hearers) hear();
        if (waiting.length > 0 || hearers.length > 0) continue;
        if (failure !== undefined) throw failure;
        if (ended) return;
        await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      signal?.removeEventListener("abort", onAbort);
      stop();
      over?.();
    }
  })();
}
