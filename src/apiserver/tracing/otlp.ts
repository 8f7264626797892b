/** Spans as OTLP's messages (opentelemetry-proto, collector/trace/v1). Pure. */
import { encodeMessage } from "../codec/protobuf/plain-message.ts";
import { type Attributes, type AttributeValue, type FinishedSpan, spanKinds } from "./span.ts";

export const exportMethod = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

const errorStatus = 2;

const id = (hex: string): Buffer => Buffer.from(hex, "hex");
/** Nanoseconds, with the precision of the clock. */
const nanoseconds = (ms: number): bigint => BigInt(Math.round(ms * 1000)) * 1000n;

function anyValue(value: AttributeValue): Buffer {
  // Fields of a oneof are written even if they are empty.
  if (typeof value === "string") return value === "" ? Buffer.from([0x0a, 0]) : encodeMessage([[1, value]]);
  if (typeof value === "boolean") return Buffer.from([0x10, value ? 1 : 0]);
  return value === 0 ? Buffer.from([0x18, 0]) : encodeMessage([[3, value]]);
}

const keyValues = (number: number, attributes: Attributes): [number, Buffer][] =>
  Object.entries(attributes).flatMap(([key, value]): [number, Buffer][] =>
    value === undefined
      ? []
      : [
          [
            number,
            encodeMessage([
              [1, key],
              [2, anyValue(value)],
            ]),
          ],
        ],
  );

function spanMessage(span: FinishedSpan): Buffer {
  const { context, link } = span;
  return encodeMessage([
    [1, id(context.traceId)],
    [2, id(context.spanId)],
    [3, context.state],
    [4, id(span.parentId)],
    [5, span.name],
    [6, spanKinds[span.kind]],
    [7, nanoseconds(span.began)],
    [8, nanoseconds(span.ended)],
    ...keyValues(9, span.attributes),
    ...(link
      ? ([
          [
            13,
            encodeMessage([
              [1, id(link.traceId)],
              [2, id(link.spanId)],
              [3, link.state],
            ]),
          ],
        ] as const)
      : []),
    ...(span.error === undefined
      ? []
      : ([
          [
            15,
            encodeMessage([
              [2, span.error],
              [3, errorStatus],
            ]),
          ],
        ] as const)),
  ]);
}

/** ExportTraceServiceRequest. `resource`: attributes of this server. */
export function exportRequest(spans: readonly FinishedSpan[], resource: Attributes): Buffer {
  const scope = encodeMessage([
    [1, encodeMessage([[1, "wherry"]])],
    ...spans.map((span) => [2, spanMessage(span)] as const),
  ]);
  return encodeMessage([
    [
      1,
      encodeMessage([
        [1, encodeMessage(keyValues(1, resource))],
        [2, scope],
      ]),
    ],
  ]);
}
