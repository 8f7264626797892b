/**
 * JSON in which objects have members twice, read as Go's decoder reads it into a type: a struct or map that comes again
 * goes on where it was left, lists begin again at their first element but keep what these had, null means what it means for
 * the type, and everything else is taken as it comes last. Only for bodies that have such members.
 */
import { copyWritten, isObject, parseExact, setMember, valueEnd } from "../machinery/index.ts";
import { type FieldSchema, typeOf, type TypeSchema } from "./schema.ts";

export interface Repeated {
  /** As given otherwise: what its type does not know is still there. */
  value: unknown;
  /** What a strict decoder says, in the order of the text: at most 100, each once. */
  strict: string[];
}

/** Of a text that is valid JSON. */
export function readRepeated(type: TypeSchema, text: string): Repeated {
  const reader = new Reader(text);
  const value = reader.value({ type: "ref", target: type, required: true }, undefined, true);
  reader.cut();
  return { value, strict: [...reader.strict] };
}

/** What it stands for comes last, whatever was there before. */
const unknownField: FieldSchema = { type: "any", required: false };
/** Go keeps no more of what a strict decoder finds. */
const mostTexts = 100;
const quote = 0x22;
const comma = 0x2c;

class Reader {
  readonly strict = new Set<string>();
  readonly #text: string;
  #at = 0;
  #way = "";
  /** Where lists end that still have elements of former, longer ones behind that, as Go's have. */
  readonly #ends = new Map<unknown[], number>();

  constructor(text: string) {
    this.#text = text;
  }

  /** Takes away what is behind the ends of lists, when all has been read. */
  cut(): void {
    for (const [list, end] of this.#ends) list.length = end;
  }

  /** Reads what comes next over what was there; `inPlace`: no pointer that null could empty. */
  value(field: FieldSchema, former: unknown, inPlace: boolean): unknown {
    const first = this.#text[this.#space()];
    if (isMisfit(field, former)) {
      // Go goes on after the first value of a wrong type, and remembers it.
      this.#leaf();
      return former;
    }
    if (first === "{" && field.type === "ref") {
      const type = typeOf(field);
      if (type) return this.#struct(type, isObject(former) ? former : {});
    }
    if (first === "{" && field.type === "map")
      return this.#map(field.element as FieldSchema, isObject(former) ? former : {});
    if (first === "[" && field.type === "list")
      return this.#list(field.element as FieldSchema, Array.isArray(former) ? former : []);
    const [value] = this.#leaf();
    return value === null && inPlace && former !== undefined ? overNull(field, former) : value;
  }

  #struct(type: TypeSchema, into: Record<string, unknown>): unknown {
    const seen = new Set<string>();
    this.#members((name, path) => {
      const field = type.fields.get(name);
      if (!field) this.#say("unknown", path);
      else if (seen.has(name)) this.#say("duplicate", path);
      seen.add(name);
      this.#member(
        field ?? unknownField,
        name,
        into,
        field ? into[name] : undefined,
        !!field && inPlace(field),
      );
    });
    return into;
  }

  /** A member of a map is read anew each time. */
  #map(element: FieldSchema, into: Record<string, unknown>): unknown {
    const seen = new Set<string>();
    this.#members((name, path) => {
      if (seen.has(name)) this.#say("duplicate", path);
      seen.add(name);
      this.#member(element, name, into, undefined, true);
    });
    return into;
  }

  #member(
    field: FieldSchema,
    name: string,
    into: Record<string, unknown>,
    former: unknown,
    stays: boolean,
  ): void {
    const start = this.#space();
    const value = this.value(field, former, stays);
    setMember(into, name, value);
    this.#number(value, start, into, name);
  }

  #list(element: FieldSchema, list: unknown[]): unknown[] {
    const outer = this.#way;
    this.#at++;
    let end = 0;
    for (; this.#text[this.#space()] !== "]"; end++) {
      this.#way = `${outer}[${end}]`;
      const start = this.#at;
      const value = this.value(element, list[end], true);
      list[end] = value;
      this.#number(value, start, list, end);
      if (this.#text.charCodeAt(this.#space()) === comma) this.#at++;
    }
    this.#way = outer;
    this.#at++;
    // An empty list is a new one.
    if (end === 0) return [];
    this.#ends.set(list, end);
    return list;
  }

  #members(visit: (name: string, path: string) => void): void {
    const outer = this.#way;
    this.#at++;
    while (this.#text.charCodeAt(this.#space()) === quote) {
      const [name] = this.#leaf() as [string];
      this.#space();
      this.#at++;
      this.#way = outer === "" ? name : `${outer}.${name}`;
      visit(name, this.#way);
      if (this.#text.charCodeAt(this.#space()) === comma) this.#at++;
    }
    this.#way = outer;
    this.#at++;
  }

  #say(what: "unknown" | "duplicate", path: string): void {
    if (this.strict.size < mostTexts) this.strict.add(`${what} field ${JSON.stringify(path)}`);
  }

  /** Keeps how a number was written. */
  #number(value: unknown, start: number, into: object, name: string | number): void {
    if (typeof value !== "number") return;
    const read = parseExact(`[${this.#text.slice(start, this.#at)}]`) as object;
    copyWritten(read, 0, into, name);
  }

  /** A value as a whole. */
  #leaf(): [unknown] {
    const start = this.#space();
    this.#at = valueEnd(this.#text, start);
    const read = parseExact(`[${this.#text.slice(start, this.#at)}]`) as [unknown];
    if (typeof read[0] === "string") read[0] = read[0].toWellFormed();
    return read;
  }

  #space(): number {
    while (this.#text.charCodeAt(this.#at) <= 0x20) this.#at++;
    return this.#at;
  }
}

/** Structs and what Go does not omit, or omits when it is empty, are no pointers. */
const inPlace = (field: FieldSchema): boolean =>
  !field.pointer && (field.written === true || field.omitEmpty === true);

/** What null leaves where something was. */
function overNull(field: FieldSchema, former: unknown): unknown {
  switch (field.type) {
    case "string":
    case "boolean":
    case "int32":
    case "int64":
    case "double":
    case "ref":
      return former;
    case "int-or-string":
      return typeof former === "string" ? 0 : former;
    case "any":
      // A text that is kept (runtime.RawExtension) stays.
      return field.schemaOr ? null : former;
    default:
      return null;
  }
}

/** A value that the type refuses whatever comes after it. */
function isMisfit(field: FieldSchema, former: unknown): boolean {
  if (former === undefined || former === null) return false;
  switch (field.type) {
    case "string":
      return typeof former !== "string";
    case "boolean":
      return typeof former !== "boolean";
    case "int32":
    case "int64":
    case "double":
      return typeof former !== "number" && typeof former !== "bigint";
    case "ref":
    case "map":
      return !isObject(former);
    case "list":
      return !Array.isArray(former);
    default:
      return false;
  }
}
