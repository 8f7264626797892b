import { goTypeOf } from "../registry/go-type.ts";
import type { StatusError } from "../../machinery/index.ts";
import type { KubeObject } from "../../api/index.ts";
import type { Entry } from "../cache/entry.ts";
import { encodedBytes, mediaTypes } from "../codec/encode.ts";
import type { Target } from "../codec/negotiate.ts";
import { lineOf } from "../codec/stored.ts";
import { enveloped, protobufType } from "../codec/protobuf/envelope.ts";
import type { Call } from "../core.ts";
import { wrongShape } from "../errors.ts";
import { type Answer, bytesAnswer, withErrorHeaders } from "../response.ts";
import { type Columns, includeOf, partialObject, tableOf } from "../tables/render.ts";
import { warningHeader } from "../warnings.ts";

/** One stored object, as the client asked for it. */
export function objectAnswer(call: Call, status: number, entry: Entry): Answer {
  const { resource, target } = call;
  const plain = target.as === "object" && target.format === "json" && !target.pretty;
  if (plain) return withWarnings(call, bytesAnswer(status, lineOf(resource.json(entry))));
  if (target.as === "object" && target.format === "protobuf") {
    const bytes = enveloped(resource.apiVersion, resource.def.kind, resource.message(entry));
    return withWarnings(call, bytesAnswer(status, bytes, protobufType));
  }
  const stored = resource.def.storedAs && !resource.def.type ? entry.object : undefined;
  return valueAnswer(call, status, resource.object(entry), stored);
}

/** Any object of the kind (a dry run's, for instance). */
function valueAnswer(call: Call, status: number, object: KubeObject, stored = object): Answer {
  const { resource, target, core, info } = call;
  const look = { def: resource.def, query: info.query, now: core.clock.now(), stored };
  return withWarnings(call, encoded(status, shaped(object, target, goTypeOf(resource.def), look), target));
}

/** What else there is to know to show an object. */
interface Look {
  def: Columns;
  query: URLSearchParams;
  now: number;
  /** The object as it is stored, where that is another spelling. */
  stored?: KubeObject;
}

/**
 * An object as it was asked for. `goType`: what the original calls its type. `look`: of what makes tables. Throws 406 when
 * a list was asked for: whatever the request did is done by then.
 */
export function shaped(object: KubeObject, target: Target, goType: string, look?: Look): object {
  if (target.as === "partialList") throw wrongShape("PartialObjectMetadataList", false, goType);
  if (target.as === "partial") return partialObject(object, target.asVersion, look?.def);
  if (target.as !== "table" || !look) return object;
  const { resourceVersion } = object.metadata ?? {};
  const include = includeOf(look.query);
  const { def, now, stored = object } = look;
  return tableOf(def, [object], now, include, target.asVersion, { resourceVersion }, true, [stored]);
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
