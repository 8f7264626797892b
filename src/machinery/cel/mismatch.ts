/** What is said of a value of type dyn that turns out to be nothing a function or macro takes, in cel-go's words. */
import { CelEvaluationError } from "./errors.ts";
import { type CelValue, nameOfType } from "./values.ts";

const words = (text: string): ReadonlySet<string> => new Set(text.split(" "));

const numbers = "int uint double";
const times = "google.protobuf.Timestamp google.protobuf.Duration";

/** Operators ask their first operand's type whether it does such things at all. */
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

/** They are asked by any name, and answer themselves. */
const receivers = words(`string ${times}`);

/** They look at their arguments themselves. */
const unnamed = words("!_ @in startsWith endsWith contains matches");

/** `values`: the receiver first. */
export function noOverload(name: string, values: readonly CelValue[]): CelEvaluationError {
  const types = values.map(nameOfType);
  const [first = "", second] = types;
  const able = capable[name];
  if (able) return mismatch(able.has(first) || receivers.has(first) ? "" : `: ${name}`);
  if (unnamed.has(name)) return mismatch("");
  // Patterns are compiled beforehand, and what takes their place gives no name.
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

/** What has no items, by the name of cel-go's type. */
export function goType(value: CelValue): string {
  const name = nameOfType(value);
  const known = goTypes[name];
  if (known) return known;
  const own = /^kubernetes\.authorization\.(\w)(\w*)$/.exec(name);
  if (own) return `library.${own[1]?.toLowerCase()}${own[2]}Val`;
  return `types.${name.charAt(0).toUpperCase()}${name.slice(1)}`;
}
