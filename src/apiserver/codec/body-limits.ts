/** Limits of bodies: their size, and how deep they may be nested. */
import { randomUUID } from "node:crypto";
import { GoYamlError, StatusError } from "../../machinery/index.ts";
import { badRequest } from "../errors.ts";

/** Larger bodies are refused, as by default in Kubernetes. */
export const maxBodyBytes = 3 * 1024 * 1024;
/** Deeper nesting is refused, as by Go's decoder. */
const maxDepth = 10_000;
/**
 * Values nested deeper than this are cut out before any recursive function sees them. They may occur in unknown fields, which are
 * dropped; in a known field they are refused.
 */
export const usableDepth = 1000;

export const tooLarge = (): StatusError =>
  new StatusError("RequestEntityTooLarge", `Request entity too large: limit is ${maxBodyBytes}`);

/** Where the first bracket beyond a depth opens and closes. Only counts brackets outside strings. */
function beyond(text: string, limit: number, from = 0): { start: number; end: number } | undefined {
  let depth = from === 0 ? 0 : limit;
  let inString = false;
  let start = -1;
  for (let i = from; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (inString) {
      if (code === 0x5c) i++;
      else if (code === 0x22) inString = false;
    } else if (code === 0x22) inString = true;
    else if (code === 0x7b || code === 0x5b) {
      if (++depth > limit && start < 0) start = i;
    } else if (code === 0x7d || code === 0x5d) {
      depth--;
      if (start >= 0 && depth === limit) return { start, end: i + 1 };
    }
  }
  return start < 0 ? undefined : { start, end: text.length };
}

const tooDeep = (char: string | undefined): StatusError =>
  badRequest(`invalid character '${char}' exceeded max depth`);

export function yamlTooDeep(): StatusError {
  const cause = new GoYamlError(`yaml: exceeded max depth of ${maxDepth}`);
  return badRequest(cause.message, cause);
}

/** The text with a mark (`cut`) in place of everything that is nested too deep to be used. Throws StatusError beyond Go's limit. */
export function withoutDepths(
  text: string,
  refuse: (char: string | undefined) => StatusError = tooDeep,
): { text: string; cut?: string } {
  let found = beyond(text, usableDepth);
  if (!found) return { text };
  const refused = beyond(text, maxDepth);
  if (refused) throw refuse(text[refused.start]);
  const cut = `cut-${randomUUID()}`;
  let out = "";
  let at = 0;
  for (; found; found = beyond(text, usableDepth, at)) {
    out += text.slice(at, found.start) + JSON.stringify(cut);
    at = found.end;
  }
  return { text: out + text.slice(at), cut };
}

/** Throws StatusError when the object still has a mark: a known field was nested too deep. */
export function refuseDepths(object: object, { cut }: { cut?: string | undefined }): void {
  if (cut && JSON.stringify(object).includes(cut)) throw tooDeep("{");
}
