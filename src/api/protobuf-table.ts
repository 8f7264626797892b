/**
 * Protobuf field numbers of the built-in types, loaded only where somebody speaks protobuf: definition to JSON field to
 * `NUMBER TYPE[ !][ *]`. The type is a scalar, `Name` of the same package, `.rest.of.the.Name` below `io.k8s`, `[]T` or
 * `map<T>`; `(Name)` is an embedded struct; `!` marks what
 * JSON has even when it is empty, `*` a pointer in Go (an empty value is a value).
 */
export async function loadProtobufTable(): Promise<Record<string, Record<string, string>>> {
  const module = await import("./generated/protobuf.js");
  return JSON.parse(module.text) as Record<string, Record<string, string>>;
}
