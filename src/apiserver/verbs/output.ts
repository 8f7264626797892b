import type { StatusError } from "../../machinery/index.ts";
import type { KubeObject } from "../../api/index.ts";
import type { Entry } from "../cache/entry.ts";
import { encodedBytes, mediaTypes } from "../codec/encode.ts";
import type { Target } from "../codec/negotiate.ts";
import { enveloped, protobufType } from "../codec/protobuf/envelope.ts";
import type { Call } from "../core.ts";
import { type Answer, bytesAnswer, withErrorHeaders } from "../response.ts";
import { includeOf, partialObject, tableOf } from "../tables/render.ts";
import { warningHeader } from "../warnings.ts";

const lineFeed = Buffer.from("\n");

/** One stored object, as the client asked for it. */
export function objectAnswer(call: Call, status: number, entry: Entry): Answer {
  const { resource, target } = call;
  const plain = target.as === "object" && target.format === "json" && !target.pretty;
  if (plain) return withWarnings(call, bytesAnswer(status, Buffer.concat([resource.json(entry), lineFeed])));
  if (target.as === "object" && target.format === "protobuf") {
    const bytes = enveloped(resource.apiVersion, resource.def.kind, resource.message(entry));
    return withWarnings(call, bytesAnswer(status, bytes, protobufType));
  }
  return valueAnswer(call, status, resource.object(entry));
}

/** Any object of the kind (a dry run's, for instance). */
export function valueAnswer(call: Call, status: number, object: KubeObject): Answer {
  const { resource, target, core, info } = call;
  let value: object = object;
  if (target.as === "table") {
    const include = includeOf(info.query);
    value = tableOf(resource.def, [object], core.clock.now(), include, target.asVersion, {
      resourceVersion: object.metadata?.resourceVersion,
    });
  } else if (target.as === "partial") value = partialObject(object, target.asVersion);
  return withWarnings(call, encoded(status, value, target));
}

export const encoded = (status: number, value: object, { format, pretty }: Target): Answer =>
  bytesAnswer(status, encodedBytes(value, format, pretty), mediaTypes[format]);

/** A failure in the encoding the client asked for. */
export function encodedError(error: StatusError, target: Target): Answer {
  return withErrorHeaders(error, encoded(error.code, error.toStatus(), target));
}

/** What there is to warn of goes out with the answer. */
export function withWarnings(call: { warnings: readonly string[] }, answer: Answer): Answer {
  if (call.warnings.length === 0) return answer;
  const header = warningHeader(call.warnings);
  if (header !== undefined) answer.headers.warning = header;
  return answer;
}
