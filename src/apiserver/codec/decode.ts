import type { KubeObject } from "../../api/index.ts";
import { isObject, parseYamlDocuments, StatusError } from "../../machinery/index.ts";
import { badRequest, unsupportedMediaType } from "../errors.ts";

/** Larger bodies are refused, as Kubernetes does by default. */
export const maxBodyBytes = 3 * 1024 * 1024;
/** Deeper nesting is refused before anything recursive sees it. */
const maxDepth = 1000;

export const bodyTypes = [
  "application/json",
  "application/yaml",
  "application/vnd.kubernetes.protobuf",
] as const;

/** A decoded body with the text it came from; the text is needed to find duplicate fields. */
export interface Decoded {
  value: unknown;
  text: string;
  format: "json" | "yaml";
}

export const tooLarge = (): StatusError =>
  new StatusError("RequestEntityTooLarge", `Request entity too large: limit is ${maxBodyBytes}`);

/** Content type without parameters. */
export const mediaType = (header: string | undefined): string =>
  (header ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";

/** `undefined` for an empty body. Throws StatusError. */
export function decodeBody(
  body: Uint8Array | undefined,
  contentType: string | undefined,
): Decoded | undefined {
  if (!body || body.length === 0) return undefined;
  if (body.length > maxBodyBytes) throw tooLarge();
  const type = mediaType(contentType);
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("utf8");
  if (type === "" || type === "application/json" || type === "*/*")
    return { value: parseJson(text), text, format: "json" };
  if (type === "application/yaml") return { value: parseYaml(text), text, format: "yaml" };
  throw unsupportedMediaType(bodyTypes);
}

export function parseJson(text: string): unknown {
  checkDepth(text);
  try {
    return JSON.parse(text);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw badRequest(`couldn't get version/kind; json parse error: ${why}`, cause);
  }
}

function parseYaml(text: string): unknown {
  try {
    const documents = parseYamlDocuments(text, "request body");
    return documents[0]?.value;
  } catch (cause) {
    throw badRequest(
      `error converting YAML to JSON: ${cause instanceof Error ? cause.message : cause}`,
      cause,
    );
  }
}

/** Cheap: counts brackets outside strings. */
function checkDepth(text: string): void {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (inString) {
      if (code === 0x5c) i++;
      else if (code === 0x22) inString = false;
    } else if (code === 0x22) inString = true;
    else if (code === 0x7b || code === 0x5b) {
      if (++depth > maxDepth) throw badRequest("exceeded max depth");
    } else if (code === 0x7d || code === 0x5d) depth--;
  }
}

/** The body as an object with metadata, of the kind that the endpoint serves. */
export function asObject(
  decoded: Decoded | undefined,
  expected: { group: string; version: string; kind: string },
): KubeObject {
  const value = decoded?.value;
  if (value === undefined) throw badRequest("the request body is empty");
  if (!isObject(value)) {
    throw badRequest("couldn't get version/kind; json parse error: the body is not an object");
  }
  const apiVersion = expected.group === "" ? expected.version : `${expected.group}/${expected.version}`;
  const object = value as KubeObject;
  // A body without kind or version is taken as the kind that the path names.
  object.kind ||= expected.kind;
  object.apiVersion ||= apiVersion;
  if (object.kind !== expected.kind || object.apiVersion !== apiVersion) {
    const [group, version] = split(String(object.apiVersion));
    const given = `${group === "" ? "" : `${group}/`}${version}, Kind=${object.kind}`;
    throw badRequest(
      `${object.kind} in version "${version}" cannot be handled as a ${expected.kind}: the API version in the data (${object.apiVersion}) and kind (${given}) do not match the expected API version (${apiVersion}) and kind (${expected.kind})`,
    );
  }
  if (object.metadata === undefined || object.metadata === null) object.metadata = {};
  if (!isObject(object.metadata))
    throw badRequest(
      `${object.kind} in version "${expected.version}" cannot be handled as a ${expected.kind}: json: cannot unmarshal into Go struct field ${expected.kind}.metadata of type v1.ObjectMeta`,
    );
  return object;
}

function split(apiVersion: string): [string, string] {
  const slash = apiVersion.indexOf("/");
  return slash < 0 ? ["", apiVersion] : [apiVersion.slice(0, slash), apiVersion.slice(slash + 1)];
}
