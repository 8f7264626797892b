/**
 * Reads out of the published module k8s.io/kubernetes what its internal types look like and writes it as one compact
 * table, src/api/facts/internal.json. Messages about mistakes show whole values in that form: Go names, every field, in
 * the order of the struct. Run by hand when the Kubernetes version changes; needs `go` for the download.
 *
 * A type is a list of fields, `<Go name>[=<JSON name>] <type>` joined by commas; the JSON name stands where it is another
 * than the Go name in lower case. Types: `*` pointer to, `[` list of, `{` map of, then a letter as in src/api/schema.ts
 * (`i` for any number), `@core.Name` an internal struct or `@meta.Name` one of the API's own; an embedded struct has
 * no name.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const version = process.argv[2] ?? "v1.36.3";
const target = "src/api/facts/internal.json";

function download(module: string, at: string): string {
  const output = execFileSync("go", ["mod", "download", "-json", `${module}@${at}`], { encoding: "utf8" });
  return (JSON.parse(output) as { Dir: string }).Dir;
}

const internals = join(download("k8s.io/kubernetes", version), "pkg/apis");
const published = download("k8s.io/api", version.replace("v1.", "v0."));

const packages = readdirSync(internals).filter((each) => existsSync(join(internals, each, "types.go")));
const sources = new Map(
  packages.map((each) => [each, readFileSync(join(internals, each, "types.go"), "utf8").split("\n")]),
);

const basic: Record<string, string> = {
  string: "s",
  bool: "b",
  int: "i",
  int32: "i",
  int64: "i",
  uint16: "i",
  float64: "d",
  "[]byte": "y",
  "resource.Quantity": "q",
  "intstr.IntOrString": "ios",
  "metav1.Time": "t",
  "metav1.MicroTime": "u",
  "types.UID": "s",
  "types.NodeName": "s",
  "runtime.Object": "x",
  "runtime.RawExtension": "x",
};

/** `core.RestartPolicy` -> `string`, for types that are no structs. */
const aliases = new Map<string, string>();
const structs = new Set<string>();
for (const [name, lines] of sources) {
  for (const line of lines) {
    const [, type, body] = /^type (\w+) (?:= )?([\w.[\]]+)(?: \{)?$/.exec(line) ?? [];
    if (!type || !body) continue;
    if (body === "struct") structs.add(`${name}.${type}`);
    else aliases.set(`${name}.${type}`, body);
  }
}

/** `alias "path/of/package"` lines, for the packages of this table. */
function imports(lines: readonly string[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const line of lines) {
    const [, alias, path] = /^\t(?:(\w+) )?"k8s.io\/kubernetes\/pkg\/apis\/(\w+)"$/.exec(line) ?? [];
    if (path) found.set(alias ?? path, path);
  }
  return found;
}

function notation(type: string, name: string, known: ReadonlyMap<string, string>): string {
  if (basic[type]) return basic[type];
  if (type.startsWith("*")) return `*${notation(type.slice(1), name, known)}`;
  if (type.startsWith("[]")) return `[${notation(type.slice(2), name, known)}`;
  const map = /^map\[[\w.]+\](.+)$/.exec(type);
  if (map) return `{${notation(map[1] as string, name, known)}`;
  if (type.startsWith("metav1.")) {
    const bare = type.slice(7);
    return /^(ConditionStatus|LabelSelectorOperator|FieldSelectorOperator)$/.test(bare)
      ? "s"
      : `@meta.${bare}`;
  }
  const [alias, bare] = type.includes(".") ? (type.split(".") as [string, string]) : ["", type];
  const full = `${alias === "" ? name : (known.get(alias) ?? alias)}.${bare}`;
  const other = aliases.get(full);
  if (other) return notation(other, full.slice(0, full.indexOf(".")), known);
  return structs.has(full) ? `@${full}` : "x";
}

/** Go name -> JSON name of a published type, where one is not the other in lower case. */
function renamed(name: string, type: string): Map<string, string> {
  const found = new Map<string, string>();
  const group = name === "core" ? "core" : name;
  if (!existsSync(join(published, group))) return found;
  for (const each of readdirSync(join(published, group)).filter((v) => /^v\d+$/.test(v))) {
    const file = join(published, group, each, "types.go");
    if (!existsSync(file)) continue;
    const text = readFileSync(file, "utf8");
    const at = text.search(new RegExp(`^type ${type} struct \\{`, "m"));
    if (at < 0) continue;
    const body = text.slice(at, text.indexOf("\n}", at));
    for (const [, go = "", json = ""] of body.matchAll(/^\t(\w+)\s+\S+\s+`json:"([^",]+)/gm))
      if (go.toLowerCase() !== json.toLowerCase()) found.set(go, json);
  }
  return found;
}

const out: Record<string, string> = {};
for (const [name, lines] of sources) {
  const known = imports(lines);
  for (const [start, line] of lines.entries()) {
    const type = /^type (\w+) struct \{$/.exec(line)?.[1];
    if (!type || /List$/.test(type)) continue;
    const names = renamed(name, type);
    const fields: string[] = [];
    for (let i = start + 1; lines[i] !== "}"; i++) {
      const text = (lines[i] as string).replace(/\/\/.*/, "").trim();
      const [, go = "", spelled = ""] = /^(?:(\w+)\s+)?([\w.*[\]]+)$/.exec(text) ?? [];
      if (spelled === "") continue;
      const json = names.get(go);
      fields.push(`${go}${json ? `=${json}` : ""} ${notation(spelled, name, known)}`);
    }
    out[`${name}.${type}`] = fields.join(",");
  }
}

const lines = Object.entries(out).map(
  ([type, fields]) => ` ${JSON.stringify(type)}: ${JSON.stringify(fields)}`,
);
writeFileSync(target, `{\n${lines.join(",\n")}\n}\n`);
process.stdout.write(`${target}: ${lines.length} types\n`);
