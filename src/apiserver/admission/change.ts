/** Replaces the object of a request by the result of a webhook or policy. */
import { conform, type Conformance, conformToType, type KubeObject, schemaOf } from "../../api/index.ts";
import { StatusError } from "../../machinery/index.ts";
import { Conversions } from "../conversion/conversions.ts";
import { ConversionError } from "../conversion/review.ts";
import { typeNameOf } from "../managed-fields/unstored.ts";
import type { ServedResource } from "../registry/resource.ts";
import type { AdmissionRequest } from "./chain.ts";

/** False for subresources whose objects are of another kind (a Binding, a Scale, the options of a connection). */
export const isOwnKind = ({ kind, resource: { def } }: AdmissionRequest): boolean =>
  kind.kind === def.kind && kind.group === def.group && kind.version === def.version;

/** The request's object in the version `resource`; read only. Throws Pending when a webhook has to convert it. */
export function viewed(request: AdmissionRequest, object: KubeObject, resource: ServedResource): KubeObject {
  if (!isOwnKind(request)) return object;
  const { view } = request.resource;
  if (!view || resource.apiVersion === request.resource.apiVersion) return resource.whole(object);
  return conversionsOf(request).convert(view, object, resource.apiVersion, unconverted);
}

/** Conversions of a request so far. */
function conversionsOf({ reinvocation: { notes } }: AdmissionRequest): Conversions {
  const known = notes.get("conversions");
  if (known instanceof Conversions) return known;
  const made = new Conversions();
  notes.set("conversions", made);
  return made;
}

const unconverted = (cause: unknown): unknown =>
  cause instanceof ConversionError ? internal(cause.message, cause) : cause;

export const internal = (text: string, cause?: unknown): StatusError =>
  new StatusError("InternalError", `Internal error occurred: ${text}`, {
    details: { causes: [{ message: text }] },
    cause,
  });

/** Conforms an object in the version of `resource`, in place. */
export function conformed(
  request: AdmissionRequest,
  { def }: ServedResource,
  object: KubeObject,
): Conformance {
  if (isOwnKind(request)) return def.conform?.(object) ?? conform(def.schema, object);
  const schema = schemaOf(typeNameOf(request.kind));
  return schema ? conformToType(schema, object) : { unknown: [] };
}

/** Takes over the result, which is in the version of `resource`. */
export async function takeOver(
  request: AdmissionRequest,
  object: KubeObject,
  { def, view, apiVersion }: ServedResource,
  made: KubeObject,
): Promise<void> {
  let next = made;
  if (isOwnKind(request)) {
    // Later plugins and the store work with the stored version; added parts get defaults.
    def.storedAs?.toStored(next);
    def.defaults?.(next);
    const own = request.resource.apiVersion;
    if (view && own !== apiVersion)
      next = await view.convert(next, own).catch((cause) => {
        throw unconverted(cause);
      });
  }
  next.kind = object.kind as string;
  next.apiVersion = object.apiVersion as string;
  replace(object, next);
}

/** In place, since the caller keeps references to the object and its metadata. */
function replace(object: KubeObject, next: KubeObject): void {
  const { metadata } = object;
  for (const member of Object.keys(object)) delete (object as Record<string, unknown>)[member];
  Object.assign(object, next);
  // A patched object shares the parts that the patch left alone with its original.
  if (!metadata || !next.metadata || next.metadata === metadata) return;
  for (const member of Object.keys(metadata)) delete (metadata as Record<string, unknown>)[member];
  object.metadata = Object.assign(metadata, next.metadata);
}
