/** Types of CEL in the checker, spelled like cel-go. */
export type CelType =
  | { readonly kind: "list"; readonly of: CelType }
  | { readonly kind: "map"; readonly key: CelType; readonly of: CelType }
  | { readonly kind: "optional"; readonly of: CelType }
  | { readonly kind: "type"; readonly of?: CelType }
  | { readonly kind: "param"; readonly name: string }
  /** `fields`: of a message with a schema; other fields are undefined. */
  | { readonly kind: "object"; readonly name: string; readonly fields: CelFields }
  | { readonly kind: "simple"; readonly name: string };

/** Field types of a message by name. */
export interface CelFields {
  get(name: string): CelType | undefined;
}

const simple = (name: string): CelType => ({ kind: "simple", name });

export const dyn: CelType = simple("dyn");
/** The item type of an empty list: matches any type. */
export const free: CelType = simple("dyn");
/** An unknown type whose fields cannot be accessed: cel-go's protobuf Any. */
export const any: CelType = simple("any");
/** The type of an expression with an error: suppresses further errors. */
export const erroneous: CelType = simple("!error!");
export const bool: CelType = simple("bool");
export const int: CelType = simple("int");
export const uint: CelType = simple("uint");
export const double: CelType = simple("double");
export const string: CelType = simple("string");
export const bytes: CelType = simple("bytes");
export const nullType: CelType = simple("null");
export const timestamp: CelType = simple("timestamp");
export const duration: CelType = simple("duration");
const typeType: CelType = { kind: "type" };

export const listOf = (of: CelType): CelType => ({ kind: "list", of });
export const mapOf = (key: CelType, of: CelType): CelType => ({ kind: "map", key, of });
export const optionalOf = (of: CelType): CelType => ({ kind: "optional", of });
export const objectOf = (name: string, fields: CelFields): CelType => ({
  kind: "object",
  name,
  fields,
});
export const opaque = simple;
/** The type of a scalar that may be null. */
export const wrapperOf = (of: CelType): CelType => simple(`wrapper(${typeText(of)})`);

const unwrapped = (name: string): string => (name.startsWith("wrapper(") ? name.slice(8, -1) : name);

/** Whether the type is only known at run time. */
export const isDyn = (type: CelType): boolean =>
  type.kind === "simple" && (type.name === "dyn" || type.name === "any" || type === erroneous);

export function typeText(type: CelType): string {
  switch (type.kind) {
    case "list":
      return `list(${typeText(type.of)})`;
    case "map":
      return `map(${typeText(type.key)}, ${typeText(type.of)})`;
    case "optional":
      return `optional_type(${typeText(type.of)})`;
    case "type":
      return type.of ? `type(${typeText(type.of)})` : "type";
    default:
      return type.name;
  }
}

const protobufNames: Readonly<Record<string, string>> = {
  null: "null_type",
  any: "google.protobuf.Any",
  timestamp: "google.protobuf.Timestamp",
  duration: "google.protobuf.Duration",
};

/** The type with the names that the language's definition gives. */
export function formalText(type: CelType): string {
  switch (type.kind) {
    case "list":
      return `list(${formalText(type.of)})`;
    case "map":
      return `map(${formalText(type.key)}, ${formalText(type.of)})`;
    case "optional":
      return `optional_type(${formalText(type.of)})`;
    case "type":
      return type.of ? `type(${formalText(type.of)})` : "type";
    default:
      return protobufNames[type.name] ?? type.name;
  }
}

export type Bindings = Map<string, CelType>;

/** Types that may be null: messages, and what cel-go represents as such. */
const nullable = new Set(["timestamp", "duration", "net.IP", "net.CIDR"]);

/** Kubernetes' own types are messages without accessible fields. */
export const isClosed = (type: CelType): boolean =>
  type.kind === "simple" && type.name.startsWith("kubernetes.");

/** Whether a value of `from` is assignable to `to`; binds type parameters of `to`. */
export function assignable(from: CelType, to: CelType, bound: Bindings): boolean {
  if (to.kind === "param") {
    const known = bound.get(to.name);
    const joined = known ? join(known, from) : from;
    if (!joined) return false;
    bound.set(to.name, joined);
    return true;
  }
  if (isDyn(to) || isDyn(from)) return true;
  if (from.kind === "simple" && from.name === "null")
    return (
      to.kind === "object" ||
      to.kind === "optional" ||
      (to.kind === "simple" &&
        (to.name === "null" || nullable.has(to.name) || unwrapped(to.name) !== to.name)) ||
      isClosed(to)
    );
  if (from.kind === "list" && to.kind === "list") return assignable(from.of, to.of, bound);
  if (from.kind === "optional" && to.kind === "optional") return assignable(from.of, to.of, bound);
  if (from.kind === "map" && to.kind === "map")
    return assignable(from.key, to.key, bound) && assignable(from.of, to.of, bound);
  if (from.kind === "type" && to.kind === "type") return true;
  if (from.kind === "object" && to.kind === "object") return from.name === to.name;
  return from.kind === "simple" && to.kind === "simple" && unwrapped(from.name) === unwrapped(to.name);
}

export function substitute(type: CelType, bound: Bindings): CelType {
  switch (type.kind) {
    case "param":
      return bound.get(type.name) ?? free;
    case "list":
      return listOf(substitute(type.of, bound));
    case "optional":
      return optionalOf(substitute(type.of, bound));
    case "map":
      return mapOf(substitute(type.key, bound), substitute(type.of, bound));
    case "type":
      return type.of ? { kind: "type", of: substitute(type.of, bound) } : type;
    default:
      return type;
  }
}

/** The wider of two types; undefined when neither includes the other. */
export function join(a: CelType, b: CelType): CelType | undefined {
  if (a === free) return b;
  if (b === free) return a;
  if (isDyn(a)) return a;
  if (isDyn(b)) return b;
  if (a.kind === "list" && b.kind === "list") return wrapped(join(a.of, b.of), listOf);
  if (a.kind === "optional" && b.kind === "optional") return wrapped(join(a.of, b.of), optionalOf);
  if (a.kind === "map" && b.kind === "map") {
    const key = join(a.key, b.key);
    return key && wrapped(join(a.of, b.of), (of) => mapOf(key, of));
  }
  if (assignable(b, a, new Map())) return a;
  return assignable(a, b, new Map()) ? b : undefined;
}

const wrapped = (type: CelType | undefined, wrap: (type: CelType) => CelType): CelType | undefined =>
  type && wrap(type);

/** Whether literals may contain both: equal types, as far as known. */
export function equivalent(a: CelType, b: CelType): boolean {
  if (a === free || b === free) return true;
  if (a.kind === "list" && b.kind === "list") return equivalent(a.of, b.of);
  if (a.kind === "optional" && b.kind === "optional") return equivalent(a.of, b.of);
  if (a.kind === "map" && b.kind === "map") return equivalent(a.key, b.key) && equivalent(a.of, b.of);
  return unwrapped(typeText(a)) === unwrapped(typeText(b));
}

const single = /^[A-Z]$/;

/** `list<A>`, `map<string, dyn>`, `optional<int>`, `A`, `kubernetes.URL`. */
export function parseType(text: string): CelType {
  const open = text.indexOf("<");
  if (open < 0) {
    if (text === "type") return typeType;
    return single.test(text) ? { kind: "param", name: text } : simple(text);
  }
  const inner = splitTopLevel(text.slice(open + 1, -1)).map(parseType);
  const [first = dyn, second = dyn] = inner;
  switch (text.slice(0, open)) {
    case "list":
      return listOf(first);
    case "map":
      return mapOf(first, second);
    case "type":
      return { kind: "type", of: first };
    default:
      return optionalOf(first);
  }
}

export function splitTopLevel(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let part = "";
  for (const letter of text) {
    if (letter === "<") depth++;
    if (letter === ">") depth--;
    if (letter === "," && depth === 0) {
      parts.push(part.trim());
      part = "";
    } else part += letter;
  }
  if (part.trim() !== "") parts.push(part.trim());
  return parts;
}
