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

/** The answer with one stored object, in the form that the client asked for. */
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

/** Likewise for an object that is not stored, such as that of a dry run. */
function valueAnswer(call: Call, status: number, object: KubeObject, stored = object): Answer {
  const { resource, target, core, info } = call;
  const look = { def: resource.def, query: info.query, now: core.clock.now(), stored };
  return withWarnings(call, encoded(status, shaped(object, target, goTypeOf(resource.def), look), target));
}

/** What else the forms of an object depend on. */
interface Look {
  def: Columns;
  query: URLSearchParams;
  now: number;
  /** The object as it is stored, if that differs. */
  stored?: KubeObject;
}

/**
 * An object in the form that the client asked for. `goType`: Kubernetes' name of its Go type. `look`: for tables. Throws 406 when
 * the client asked for a list form; the write has been done by then, as in Kubernetes.
 */
export function shaped(object: KubeObject, target: Target, goType: string, look?: Look): object {
  if (target.as === "partialList") throw wrongShape("PartialObjectMetadataList", false, goType);
  if (target.as === "partial") return partialObject(object, target.asVersion, look?.def);
  if (target.as !== "table" || !look) return object;
  const { resourceVersion } = object.metadata ?? {};
  const include = includeOf(look.query);
  const { def, now, stored = object } = look;
  const { asVersion: version } = target;
  return tableOf(def, [object], { version, include, now, metadata: { resourceVersion }, stored: [stored] });
}

export const encoded = (status: number, value: object, { format, pretty }: Target): Answer =>
  bytesAnswer(status, encodedBytes(value, format, pretty), mediaTypes[format]);

/** An error in the encoding that the client asked for. */
export function encodedError(error: StatusError, target: Target): Answer {
  return withErrorHeaders(error, encoded(error.code, error.toStatus(), target));
}

/** Adds the Warning headers. */
export function withWarnings(call: { warnings: readonly string[] }, answer: Answer): Answer {
  if (call.warnings.length === 0) return answer;
  const header = warningHeader(call.warnings);
  if (header !== undefined) answer.headers.warning = header;
  return answer;
}
