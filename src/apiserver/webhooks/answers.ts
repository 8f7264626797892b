/** Interprets answers as client-go does, with its error messages. */
import {
  GoYamlError,
  isObject,
  parseExact,
  readYamlBody,
  type Status,
  jsonProblem,
  surveyJson,
} from "../../machinery/index.ts";

/** A complete answer. */
export interface HttpAnswer {
  status: number;
  contentType: string | undefined;
  /** Seconds; undefined without the header. */
  retryAfter: number | undefined;
  body: Buffer;
}

/** The call failed or the answer is invalid; the text is Go's. */
export class WebhookCallError extends Error {}

/** Limit of the text of an invalid answer in an error. */
const maxShownBytes = 2048;

const texts: Readonly<Record<number, string>> = {
  400: "the server rejected our request for an unknown reason",
  401: "the server has asked for the client to provide credentials",
  404: "the server could not find the requested resource",
  405: "the server does not allow this method on the requested resource",
  409: "the server reported a conflict",
  422: "the server rejected our request due to an error in our request",
  429: "the server has received too many requests and has asked us to try again later",
  503: "the server is currently unable to handle the request",
  504: "the server was unable to return a response in the time allotted, but may still be processing the request",
};

const unsupported = "the server was unable to respond with a content type that the client supports";

/** The value in the body of a successful answer. Throws WebhookCallError. */
export function readAnswer(answer: HttpAnswer): unknown {
  const { status, body, contentType } = answer;
  if (status < 200 || status > 206) throw new WebhookCallError(refusal(answer));
  if (body.length === 0) {
    const type = contentType || "application/json";
    throw new WebhookCallError(`0-length response with status code: ${status} and content type: ${type}`);
  }
  return parseDocument(body.toString());
}

/** Limits YAML, which is slow to parse and blocks the event loop; reviews are JSON. */
const maxYamlLetters = 64 * 1024;
/** The limit of requests' bodies, too. */
export const maxDepth = 1000;

/** JSON or YAML by content, whatever the content type. Throws WebhookCallError. */
export function parseDocument(text: string): unknown {
  const wrong = (why: string, cause?: unknown): WebhookCallError =>
    new WebhookCallError(`couldn't get version/kind; json parse error: ${why}`, { cause });
  try {
    if (!/^\s*\{/.test(text) && text.length <= maxYamlLetters) return readYamlBody(text).value;
    if (surveyJson(text).depth <= maxDepth) return parseExact(text);
  } catch (cause) {
    throw wrong(cause instanceof GoYamlError ? cause.message : jsonProblem(text), cause);
  }
  throw wrong("exceeded max depth");
}

/** Includes redirects, which are not followed (CVE-2020-8561). */
function refusal(answer: HttpAnswer): string {
  const own = statusIn(answer.body);
  if (own !== undefined) return own;
  const { status } = answer;
  const said = shown(answer);
  if (status === 403 || status === 415) return said;
  if (status === 406) return said === "" || said === "unknown" ? unsupported : said;
  const text = texts[status];
  if (text !== undefined) return text;
  return status >= 500
    ? `an error on the server (${JSON.stringify(said)}) has prevented the request from succeeding`
    : `the server responded with the status code ${status} but did not return more information`;
}

function shown({ contentType = "", body }: HttpAnswer): string {
  const type = contentType.split(";", 1)[0]?.trim().toLowerCase() ?? "";
  if (contentType !== "" && !type.startsWith("text/")) return "unknown";
  return body.subarray(0, maxShownBytes).toString().trim();
}

/** The message of a failure Status. */
function statusIn(body: Buffer): string | undefined {
  let value: unknown;
  try {
    value = parseDocument(body.toString());
  } catch {
    return undefined;
  }
  if (!isObject(value) || value.kind !== "Status" || (value.apiVersion ?? "v1") !== "v1") return undefined;
  const { status, message } = value as Partial<Status>;
  return status === "Failure" ? (message ?? "") : undefined;
}
