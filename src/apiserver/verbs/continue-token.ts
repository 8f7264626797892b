/** Continue tokens of chunked lists (apiserver pkg/storage/continue.go). */
import { isObject, jsonProblem, parseExact, type StatusError, writtenAs } from "../../machinery/index.ts";
import { badRequest } from "../errors.ts";

/** The snapshot's revision and the first key of the next page. */
export interface ContinueToken {
  revision: number;
  start: string;
}

const format = "meta.k8s.io/v1";

export const encodeContinue = ({ revision, start }: ContinueToken): string =>
  Buffer.from(JSON.stringify({ v: format, rv: revision, start })).toString("base64url");

const wrongToken = (why: string, cause?: unknown): StatusError =>
  badRequest(`invalid continue token: continue key is not valid${why}`, cause);

/** Revision -1: continue with the newest state. Throws 400 in the words of Go's decoders. */
export function decodeContinue(text: string): ContinueToken {
  const bad = text.search(/[^A-Za-z0-9_-]/);
  if (bad >= 0 || text.length % 4 === 1) {
    // Go reads groups of four characters; a single one left over is the error.
    const at = bad >= 0 ? bad : text.length - 1;
    throw wrongToken(`: illegal base64 data at input byte ${at}`);
  }
  const { v, rv, start } = read(Buffer.from(text, "base64url"));
  if (v !== format) throw wrongToken(`: server does not recognize this encoded version ${v}`);
  if (rv === 0) throw wrongToken(`: incorrect encoded start resourceVersion (version ${format})`);
  if (start === "") throw wrongToken(`: encoded start key empty (version ${format})`);
  // A key outside of the listed prefix is invalid.
  const parts = start.split("/");
  if (start === "/") return { revision: rv, start: "" };
  if (parts.slice(1).some((part) => part === "") || parts.some((part) => part === "." || part === ".."))
    throw wrongToken(`: ${start}`);
  return { revision: rv, start: start.startsWith("/") ? start.slice(1) : start };
}

interface Fields {
  v: string;
  rv: number;
  start: string;
}

/** Like Go's decoder, matches names case-insensitively and ignores null. */
function read(bytes: Buffer): Fields {
  let value: unknown;
  try {
    value = parseExact(bytes.toString());
  } catch (cause) {
    throw wrongToken(`: ${jsonProblem(bytes.toString("latin1"), true)}`, cause);
  }
  const fields: Fields = { v: "", rv: 0, start: "" };
  if (value === null) return fields;
  if (!isObject(value))
    throw wrongToken(`: json: cannot unmarshal ${goType(value)} into Go value of type storage.continueToken`);
  for (const [key, each] of Object.entries(value)) {
    const name = key.toLowerCase();
    if (each === null || (name !== "v" && name !== "rv" && name !== "start")) continue;
    const cannot = (what: string, type: string): StatusError =>
      wrongToken(
        `: json: cannot unmarshal ${what} into Go struct field continueToken.${name} of type ${type}`,
      );
    if (name === "rv") {
      const number = typeof each === "number" || typeof each === "bigint";
      // A number with a point or exponent, or beyond 64 bits, is not an integer.
      if (!number || !(typeof each === "bigint" || Number.isSafeInteger(each)) || writtenAs(value, key))
        throw cannot(number ? `number ${writtenAs(value, key) ?? each}` : goType(each), "int64");
      fields.rv = Number(each);
    } else {
      if (typeof each !== "string") throw cannot(goType(each), "string");
      fields[name] = each;
    }
  }
  return fields;
}

function goType(value: unknown): string {
  if (Array.isArray(value)) return "array";
  if (typeof value === "boolean") return "bool";
  return typeof value === "bigint" ? "number" : typeof value;
}
