import { sorted } from "./arrange.ts";
import type { Json } from "./model.ts";

/** Parameters that many operations of version 2 take stand once in the document, under a name with a hash of them. */
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

/** Names differ from kind to kind, and older clients look for these two where they are used. */
function isShared({ name, in: where, schema }: Json): boolean {
  if (where === "body")
    return /^#\/definitions\/io\.k8s\.apimachinery/.test((schema as { $ref: string }).$ref);
  if (name === "name") return false;
  return where !== "query" || (name !== "dryRun" && name !== "fieldValidation");
}

/** As Go writes JSON: what HTML could mistake is escaped. */
const goJson = (value: unknown): string =>
  JSON.stringify(value).replaceAll(
    /[<>&]/g,
    (letter) => `\\u00${letter.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );

/** FNV-1 of 64 bits: the first six bytes, in base64 for addresses. */
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
