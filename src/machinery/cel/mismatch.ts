/** Run-time errors for values of type dyn that no overload accepts, in cel-go's words. */
import { CelEvaluationError } from "./errors.ts";
import { type CelValue, nameOfType } from "./values.ts";

const words = (text: string): ReadonlySet<string> => new Set(text.split(" "));

const numbers = "int uint double";
const times = "google.protobuf.Timestamp google.protobuf.Duration";

/** Operators check first whether their first operand's type has the trait. */
const capable: Readonly<Record<string, ReadonlySet<string>>> = {
  "_+_": words(`${numbers} ${times} string bytes list`),
  "_-_": words(`${numbers} ${times}`),
  "_*_": words(numbers),
  "_/_": words(numbers),
  "_%_": words("int uint"),
  "-_": words("int double google.protobuf.Duration"),
  "_<_": words(`${numbers} ${times} string bytes bool`),
  size: words("string bytes list map"),
};
for (const name of ["_<=_", "_>_", "_>=_"]) Object.assign(capable, { [name]: capable["_<_"] });

/** Types with methods of their own (cel-go's receivers), which accept any operator's name. */
const receivers = words(`string ${times}`);

/** They check their arguments themselves. */
const unnamed = words("!_ @in startsWith endsWith contains matches");

/** `values`: including the receiver, first. */
export function noOverload(name: string, values: readonly CelValue[]): CelEvaluationError {
  const types = values.map(nameOfType);
  const [first = "", second] = types;
  if (name === "flatten") return mismatch(`: ${first}.flatten(${second ?? ""})`);
  if (name === "distinct") return notLister(values[0]);
  const able = capable[name];
  if (able) return mismatch(able.has(first) || receivers.has(first) ? "" : `: ${name}`);
  if (unnamed.has(name)) return mismatch("");
  // Patterns are compiled in advance, and the replacement has no name.
  if ((name === "find" || name === "findAll") && second === "string") return mismatch("");
  return mismatch(name === "sort" ? ": sort" : `: ${name}(${types.join(", ")})`);
}

const mismatch = (what: string): CelEvaluationError => new CelEvaluationError(`no such overload${what}`);

const goTypes: Readonly<Record<string, string>> = {
  null_type: "types.Null",
  "google.protobuf.Timestamp": "types.Timestamp",
  "google.protobuf.Duration": "types.Duration",
  optional_type: "*types.Optional",
  type: "*types.Type",
  "net.IP": "cel.IP",
  "net.CIDR": "cel.CIDR",
  "kubernetes.Quantity": "cel.Quantity",
  "kubernetes.URL": "cel.URL",
  "kubernetes.Semver": "cel.Semver",
  "kubernetes.NamedFormat": "cel.Format",
};

/** Types with the method Add. */
const adding = words(`${numbers} ${times} string bytes null_type`);

/** A failed conversion to a list in Go names the first missing method. */
function notLister(value: CelValue): CelEvaluationError {
  const type = value instanceof Map ? "*types.baseMap" : goType(value);
  const missing = adding.has(nameOfType(value)) ? "Contains" : "Add";
  return new CelEvaluationError(
    `internal error: interface conversion: ${type} is not traits.Lister: missing method ${missing}`,
  );
}

/** cel-go's type name of a value without items. */
export function goType(value: CelValue): string {
  const name = nameOfType(value);
  const known = goTypes[name];
  if (known) return known;
  const own = /^kubernetes\.authorization\.(\w)(\w*)$/.exec(name);
  if (own) return `library.${own[1]?.toLowerCase()}${own[2]}Val`;
  return `types.${name.charAt(0).toUpperCase()}${name.slice(1)}`;
}
