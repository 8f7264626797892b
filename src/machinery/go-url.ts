/** URLs like Go's net/url, with its errors. */
import { goQuote } from "./go-format.ts";

export interface GoUrl {
  /** In lower case, empty when there is none. */
  readonly scheme: string;
  /** What stands before `@`, undefined when there is no `@`. */
  readonly user: string | undefined;
  /** With its port. */
  readonly host: string;
  /** As it is written. */
  readonly path: string;
  readonly query: string;
}

interface Options {
  /** Like url.ParseRequestURI: absolute, with a scheme or a rooted path, and without a fragment. */
  readonly request?: boolean;
}

class Problem extends Error {}

/** Returns an error as a text. Fragments are neither parsed nor shown. */
export function parseGoUrl(text: string, { request = false }: Options = {}): GoUrl | string {
  const hash = request ? -1 : text.indexOf("#");
  const whole = hash < 0 ? text : text.slice(0, hash);
  try {
    return parse(whole, request);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return `parse ${goQuote(whole)}: ${error.message}`;
  }
}

function parse(text: string, request: boolean): GoUrl {
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  if (/[\x00-\x1f\x7f]/.test(text)) throw new Problem("net/url: invalid control character in URL");
  if (text === "" && request) throw new Problem("empty url");
  if (text.startsWith(":")) throw new Problem("missing protocol scheme");
  const scheme = /^([A-Za-z][A-Za-z\d+.-]*):/.exec(text)?.[1] ?? "";
  let rest = scheme === "" ? text : text.slice(scheme.length + 1);
  const mark = rest.indexOf("?");
  const query = mark < 0 ? "" : rest.slice(mark + 1);
  if (mark >= 0) rest = rest.slice(0, mark);
  const found = { scheme: scheme.toLowerCase(), user: undefined, host: "", query };
  if (!rest.startsWith("/")) {
    if (scheme !== "") return { ...found, path: "" };
    if (request) throw new Problem("invalid URI for request");
    if ((rest.split("/")[0] ?? "").includes(":"))
      throw new Problem("first path segment in URL cannot contain colon");
  }
  if (!rest.startsWith("//") || (scheme === "" && (request || rest.startsWith("///"))))
    return { ...found, path: checkEscapes(rest) };
  const end = rest.indexOf("/", 2);
  const authority = end < 0 ? rest.slice(2) : rest.slice(2, end);
  const path = end < 0 ? "" : rest.slice(end);
  const at = authority.lastIndexOf("@");
  const host = checkHost(authority.slice(at + 1));
  if (at < 0) return { ...found, host, path: checkEscapes(path) };
  const user = authority.slice(0, at);
  if (!/^[\w\-.:~!$&'()*+,;=%@]*$/.test(user)) throw new Problem("net/url: invalid userinfo");
  return { ...found, user: checkEscapes(user), host, path: checkEscapes(path) };
}

function checkHost(host: string): string {
  const bracket = host.startsWith("[") ? host.lastIndexOf("]") : undefined;
  if (bracket === -1) throw new Problem("missing ']' in host");
  const from = bracket === undefined ? host.indexOf(":") : bracket + 1;
  const port = from < 0 ? "" : host.slice(from);
  if (!/^(:\d*)?$/.test(port)) throw new Problem(`invalid port ${goQuote(port)} after host`);
  const name = host.slice(0, host.length - port.length);
  const wrong = /[\s"<>\\^`{|}]/.exec(name)?.[0];
  if (wrong !== undefined) throw new Problem(`invalid character ${goQuote(wrong)} in host name`);
  return checkEscapes(host);
}

function checkEscapes(text: string): string {
  const wrong = /%(?![\da-f]{2})/i.exec(text);
  if (wrong) throw new Problem(`invalid URL escape ${goQuote(text.slice(wrong.index, wrong.index + 3))}`);
  return text;
}
