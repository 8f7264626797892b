/** The API's errors in Kubernetes' words (apimachinery/pkg/api/errors). */
import type { FieldError, KindDefinition } from "../api/index.ts";
import { goQuote, StatusError } from "../machinery/index.ts";
import type { AuthorizationAttributes } from "./auth-contract.ts";

/** What error texts need to know about a resource. */
export type Named = Pick<KindDefinition, "group" | "kind" | "plural">;

/** `pods`, `deployments.apps` */
export const qualified = ({ group, plural }: Named): string => (group === "" ? plural : `${plural}.${group}`);

const details = ({ group, plural }: Named, name: string) => ({
  ...(name === "" ? {} : { name }),
  ...(group === "" ? {} : { group }),
  kind: plural,
});

export const notFound = (resource: Named, name: string): StatusError =>
  new StatusError("NotFound", `${qualified(resource)} ${goQuote(name)} not found`, {
    details: details(resource, name),
  });

export const alreadyExists = (resource: Named, name: string): StatusError =>
  new StatusError("AlreadyExists", `${qualified(resource)} ${goQuote(name)} already exists`, {
    details: details(resource, name),
  });

export const conflict = (resource: Named, name: string, why: string): StatusError =>
  new StatusError(
    "Conflict",
    `Operation cannot be fulfilled on ${qualified(resource)} ${goQuote(name)}: ${why}`,
    {
      details: details(resource, name),
    },
  );

export const modified =
  "the object has been modified; please apply your changes to the latest version and try again";

export const forbidden = (resource: Named, name: string, why: string): StatusError =>
  new StatusError(
    "Forbidden",
    name === ""
      ? `${qualified(resource)} is forbidden: ${why}`
      : `${qualified(resource)} ${goQuote(name)} is forbidden: ${why}`,
    { details: details(resource, name) },
  );

/** Limit of all mistakes of an object together: their text can grow with the square of its size. */
const maxMistakeCharacters = 4 * 1024 * 1024;

/** The first mistakes, within the limit. */
function told(errors: readonly FieldError[]): readonly FieldError[] {
  let characters = 0;
  const end = errors.findIndex(({ field, message }) => {
    characters += field.length + message.length;
    return characters > maxMistakeCharacters;
  });
  return end < 0 ? errors : errors.slice(0, Math.max(end, 1));
}

/** 422: `Deployment.apps "x" is invalid: spec.selector: Required value`. */
export function invalid(kind: Named, name: string, mistakes: readonly FieldError[]): StatusError {
  const errors = told(mistakes);
  const subject = kind.group === "" ? kind.kind : `${kind.kind}.${kind.group}`;
  const lines = [...new Set(errors.map((error) => `${error.field}: ${error.message}`))];
  const text = lines.length === 1 ? lines[0] : `[${lines.join(", ")}]`;
  return new StatusError("Invalid", `${subject} ${goQuote(name)} is invalid: ${text}`, {
    details: {
      ...(name === "" ? {} : { name }),
      ...(kind.group === "" ? {} : { group: kind.group }),
      ...(kind.kind === "" ? {} : { kind: kind.kind }),
      causes: errors.map(({ reason, message, field }) => ({ reason, message, field })),
    },
  });
}

export const badRequest = (message: string, cause?: unknown): StatusError =>
  new StatusError("BadRequest", message, cause === undefined ? {} : { cause });

/** A path or resource that is not served. */
export const noResource = (): StatusError =>
  new StatusError("NotFound", "the server could not find the requested resource", { details: {} });

export const methodNotAllowed = (): StatusError =>
  new StatusError("MethodNotAllowed", "the server does not allow this method on the requested resource", {
    details: {},
  });

/** A resource without the verb. */
export const notSupported = ({ group, plural }: Named, verb: string): StatusError =>
  new StatusError(
    "MethodNotAllowed",
    `${verb} is not supported on resources of kind ${JSON.stringify(group ? `${plural}.${group}` : plural)}`,
    { details: group ? { group, kind: plural } : { kind: plural } },
  );

export const expired = (message: string, metadata = {}): StatusError =>
  new StatusError("Expired", message, { metadata });

export const unsupportedMediaType = (accepted: readonly string[]): StatusError =>
  new StatusError(
    "UnsupportedMediaType",
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(", ")}`,
  );

const mediaTypes = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"];
const streamTypes = ["application/json;stream=watch", "application/vnd.kubernetes.protobuf;stream=watch"];

/** A supported media type with parameters that are not supported. */
export const onlyAccepted = (types: readonly string[]): StatusError =>
  new StatusError("NotAcceptable", `only the following media types are accepted: ${types.join(", ")}`);

/** None of the accepted media types is supported. `streams`: the path can be watched. */
export function notAcceptable(
  accept: string,
  offer: { streams: boolean; text: boolean; families?: boolean },
): StatusError {
  // A supported type with unsupported parameters has another error than an unsupported type.
  const types = [...(offer.text ? ["text/plain"] : []), ...mediaTypes];
  const known = accept
    .split(",")
    .some((range) => ["*/*", ...types].includes((range.split(";")[0] as string).trim()));
  // Custom resources have no paths of their own in Kubernetes, where foreign types would be noticed.
  if (known || offer.families) return onlyAccepted(mediaTypes);
  return nothingElse(offer.streams ? [...types, ...streamTypes] : types);
}

/** No body of these media types is accepted. */
export const nothingElse = (types: readonly string[]): StatusError =>
  new StatusError("NotAcceptable", `406: Not Acceptable\n\nAvailable representations: ${types.join(", ")}`, {
    details: {},
  });

/** What cannot be watched in this encoding. */
export const notStreamed = (): StatusError => onlyAccepted(streamTypes);

/** A list was asked of a place with single objects, or the other way round. `kind`: as Go names its type. */
export const wrongShape = (asked: string, isList: boolean, kind: string): StatusError =>
  new StatusError(
    "NotAcceptable",
    `you requested ${asked}, but the requested object is ${isList ? "a list" : "not a list"} (${kind})`,
  );

/** Not authorized, whatever the reason. */
export class DeniedError extends StatusError {}

export function denied(attributes: AuthorizationAttributes, reason: string): DeniedError {
  const { user, verb, namespace, name, path } = attributes;
  const why = reason === "" ? "" : `: ${reason}`;
  if (!attributes.isResource) {
    return new DeniedError(
      "Forbidden",
      `forbidden: User "${user.name}" cannot ${verb} path "${path}"${why}`,
      {
        details: {},
      },
    );
  }
  const resource: Named = { group: attributes.apiGroup, plural: attributes.resource, kind: "" };
  const what =
    attributes.subresource === "" ? attributes.resource : `${attributes.resource}/${attributes.subresource}`;
  const where = namespace === "" ? "at the cluster scope" : `in the namespace "${namespace}"`;
  const { message, details } = forbidden(
    resource,
    name,
    `User "${user.name}" cannot ${verb} resource "${what}" in API group "${attributes.apiGroup}" ${where}${why}`,
  );
  return new DeniedError("Forbidden", message, details ? { details } : {});
}
