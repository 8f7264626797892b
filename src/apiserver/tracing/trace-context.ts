/** Trace context in headers (W3C Trace Context, https://www.w3.org/TR/trace-context/). Pure. */

export interface TraceContext {
  /** 32 hexadecimal digits. */
  traceId: string;
  /** 16 hexadecimal digits: the caller's span. */
  spanId: string;
  sampled: boolean;
  /** `tracestate`, propagated unchanged. */
  state: string;
}

const form = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** Undefined for a missing or invalid header. */
export function readTraceContext(headers: Readonly<Record<string, string>>): TraceContext | undefined {
  const given = headers.traceparent;
  if (given === undefined) return undefined;
  const [, version = "ff", traceId = "", spanId = "", flags = "", more] = form.exec(given.trim()) ?? [];
  // Later versions may have more fields; the first has exactly these.
  if (version === "ff" || (version === "00" && more !== undefined)) return undefined;
  if (/^0*$/.test(traceId) || /^0*$/.test(spanId)) return undefined;
  return {
    traceId,
    spanId,
    sampled: (Number.parseInt(flags, 16) & 1) === 1,
    state: headers.tracestate ?? "",
  };
}

const names = ["traceparent", "tracestate", "baggage"];

/** The context's headers as received; undefined without any. */
export function traceContextOf(
  headers: Readonly<Record<string, string>> = {},
): Record<string, string> | undefined {
  if (headers.traceparent === undefined && headers.baggage === undefined) return undefined;
  return Object.fromEntries(
    names.flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]]])),
  );
}

export function traceHeaders({ traceId, spanId, sampled, state }: TraceContext): Record<string, string> {
  return {
    traceparent: `00-${traceId}-${spanId}-${sampled ? "01" : "00"}`,
    ...(state === "" ? {} : { tracestate: state }),
  };
}
