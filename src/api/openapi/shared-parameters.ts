import { sorted } from "./arrange.ts";
import type { Json } from "./model.ts";

/** Common parameters of version 2 are defined once in the document, under a name with their hash. */
export class SharedParameters {
  readonly #known = new Map<string, { name: string; parameter: Json }>();

  /** The parameter, or a reference to it. */
  use(parameter: Json): Json {
    if (!isShared(parameter)) return parameter;
    const text = goJson(parameter);
    let known = this.#known.get(text);
    if (!known) {
      known = { name: `${parameter.name as string}-${hash(text)}`, parameter };
      this.#known.set(text, known);
    }
    return { $ref: `#/parameters/${known.name}` };
  }

  all(): Record<string, Json> {
    return sorted(
      Object.fromEntries([...this.#known.values()].map(({ name, parameter }) => [name, parameter])),
    );
  }
}

/** Names differ by kind, and older clients expect these two inline. */
function isShared({ name, in: where, schema }: Json): boolean {
  if (where === "body")
    return /^#\/definitions\/io\.k8s\.apimachinery/.test((schema as { $ref: string }).$ref);
  if (name === "name") return false;
  return where !== "query" || (name !== "dryRun" && name !== "fieldValidation");
}

/** Like Go's JSON: HTML characters escaped. */
const goJson = (value: unknown): string =>
  JSON.stringify(value).replaceAll(
    /[<>&]/g,
    (letter) => `\\u00${letter.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );

/** 64-bit FNV-1: the first six bytes, in URL-safe base64. */
function hash(text: string): string {
  let sum = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text))
    sum = BigInt.asUintN(64, sum * 0x100000001b3n) ^ BigInt(byte);
  const hex = sum.toString(16).padStart(16, "0");
  const letters = Array.from({ length: 6 }, (_, i) =>
    String.fromCharCode(Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16)),
  );
  return btoa(letters.join("")).replaceAll("+", "-").replaceAll("/", "_");
}
