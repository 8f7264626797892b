/**
 * Reads facts that `@kubernetes/client-node` lacks out of the published Go modules and writes them as one compact
 * table, src/api/facts/kubernetes.json. Run by hand when the Kubernetes version changes; needs `go` for the download.
 *
 * Facts only (numbers, names, keys, enums); descriptions come from the npm package. The format of the table is
 * described in src/api/README.md.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Facts, PackageFacts } from "./facts.ts";

const version = process.argv[2] ?? "v0.36.3";
const target = "src/api/facts/kubernetes.json";

interface Source {
  module: string;
  directory: string;
  /** Prefix of the OpenAPI definition names. */
  name: string;
}

const fixed: Source[] = [
  {
    module: "k8s.io/apimachinery",
    directory: "pkg/apis/meta/v1",
    name: "io.k8s.apimachinery.pkg.apis.meta.v1",
  },
  {
    module: "k8s.io/apimachinery",
    directory: "pkg/api/resource",
    name: "io.k8s.apimachinery.pkg.api.resource",
  },
  { module: "k8s.io/apimachinery", directory: "pkg/runtime", name: "io.k8s.apimachinery.pkg.runtime" },
  {
    module: "k8s.io/apimachinery",
    directory: "pkg/util/intstr",
    name: "io.k8s.apimachinery.pkg.util.intstr",
  },
  {
    module: "k8s.io/apiextensions-apiserver",
    directory: "pkg/apis/apiextensions/v1",
    name: "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1",
  },
  {
    module: "k8s.io/kube-aggregator",
    directory: "pkg/apis/apiregistration/v1",
    name: "io.k8s.kube-aggregator.pkg.apis.apiregistration.v1",
  },
];

function download(module: string): string {
  const output = execFileSync("go", ["mod", "download", "-json", `${module}@${version}`], {
    encoding: "utf8",
  });
  return (JSON.parse(output) as { Dir: string }).Dir;
}

const roots = new Map<string, string>();
for (const module of ["k8s.io/api", ...new Set(fixed.map((source) => source.module))])
  roots.set(module, download(module));

/** Stable versions of k8s.io/api; alpha and beta groups are off by default in Kubernetes. */
function apiPackages(): Source[] {
  const root = roots.get("k8s.io/api") as string;
  const found: Source[] = [];
  for (const group of readdirSync(root).sort()) {
    if (!existsSync(join(root, group, "register.go")) && !/^[a-z]+$/.test(group)) continue;
    for (const each of existsSync(join(root, group)) && !group.includes(".")
      ? safeList(join(root, group))
      : []) {
      if (!/^v\d+$/.test(each) || !existsSync(join(root, group, each, "types.go"))) continue;
      found.push({
        module: "k8s.io/api",
        directory: `${group}/${each}`,
        name: `io.k8s.api.${group}.${each}`,
      });
    }
  }
  return found;
}

function safeList(directory: string): string[] {
  try {
    return readdirSync(directory).sort();
  } catch {
    return [];
  }
}

/** Message name -> field number -> protobuf type as generated.proto writes it, without the leading package dots. */
function readProto(path: string): Map<string, Map<string, string>> {
  const messages = new Map<string, Map<string, string>>();
  if (!existsSync(path)) return messages;
  let current: Map<string, string> | undefined;
  for (const line of readFileSync(path, "utf8").split("\n")) {
    const message = /^message (\w+) \{/.exec(line);
    if (message) {
      current = new Map();
      messages.set(message[1] as string, current);
    } else if (line.startsWith("}")) current = undefined;
    else if (current) {
      const field = /^ {2}(optional |repeated |)(map<[^>]+>|[\w.]+) \w+ = (\d+);/.exec(line);
      if (field) {
        const type = (field[2] as string)
          .replaceAll(/(^|[ ,<])\.k8s\.io\./g, "$1.")
          .replace("map<string, ", "map<");
        current.set(field[3] as string, (field[1] === "repeated " ? "[]" : "") + type);
      }
    }
  }
  return messages;
}

interface GoField {
  name: string;
  /** Empty for embedded fields. */
  goName: string;
  type: string;
  tag: string;
  comments: string[];
}

function goFields(lines: string[], start: number): GoField[] {
  const fields: GoField[] = [];
  let comments: string[] = [];
  for (let i = start; i < lines.length && lines[i] !== "}"; i++) {
    const line = (lines[i] as string).trim();
    if (line.startsWith("//")) comments.push(line.slice(2).trim());
    else if (line === "") comments = [];
    else {
      const match = /^(?:(\w+)\s+)?([\w.*[\]]+)\s+`([^`]*)`/.exec(line);
      if (match) {
        const json = /json:"([^"]*)"/.exec(match[3] as string)?.[1] ?? "";
        fields.push({
          name: json.split(",")[0] as string,
          goName: match[1] ?? "",
          type: match[2] as string,
          tag: match[3] as string,
          comments,
        });
      }
      comments = [];
    }
  }
  return fields;
}

/** `// +name=value` of a comment block. */
function marker(comments: string[], name: string): string | undefined {
  const line = comments.find((text) => text.startsWith(`+${name}=`));
  return line?.slice(name.length + 2).trim();
}

/** Go's names of types that are neither structs nor Go's own, as its decoder prints them, e.g. `v1.Protocol`. */
const named = new Set(["types.UID", "types.NodeName"]);
for (const source of [...fixed, ...apiPackages()]) {
  const directory = join(roots.get(source.module) as string, source.directory);
  for (const file of safeList(directory).filter((each) => /^[a-z_]+\.go$/.test(each))) {
    const text = readFileSync(join(directory, file), "utf8");
    for (const [, name] of text.matchAll(/^type (\w+) (?:string|bool|\[\]|map\[|u?int|float)/gm))
      named.add(`${source.directory.slice(source.directory.lastIndexOf("/") + 1)}.${name}`);
  }
}

/** A field's type as Go's decoder prints it, when it has a name of its own in it. */
function namedType(type: string, version: string): string | undefined {
  const keyed = /^map\[([A-Z]\w*)\](.*)$/.exec(type);
  if (keyed) {
    const qualified = (name: string): string => (/^[A-Z]/.test(name) ? `${version}.${name}` : name);
    return `map[${qualified(keyed[1] as string)}]${qualified(keyed[2] as string)}`;
  }
  const [, wrap = "", inner = ""] = /^((?:\*|\[\]|map\[string\])*)(.*)$/.exec(type.replace(/^\*/, "")) ?? [];
  const [alias, name] = inner.includes(".") ? inner.split(".") : [version, inner];
  const full = `${/v\d+$/.exec(alias as string)?.[0] ?? alias}.${name}`;
  return named.has(full) ? wrap + full : undefined;
}

function fieldFacts(
  field: GoField,
  proto: Map<string, string> | undefined,
  enums: ReadonlySet<string>,
  version: string,
): string | undefined {
  const json = /json:"([^"]*)"/.exec(field.tag)?.[1] ?? "";
  if (json === "-") return undefined;
  const number = /protobuf:"\w+,(\d+),/.exec(field.tag)?.[1];
  const inline = json.includes("inline");
  if (inline && number === undefined) return undefined;
  const parts = [number ?? "0", (number && proto?.get(number)) || field.type.replaceAll("*", "")];
  if (inline) parts.push("inline");
  if (/,omitempty|,omitzero/.test(json) || field.comments.includes("+optional")) parts.push("?");
  if (!/,omitempty|,omitzero/.test(json)) parts.push("!");
  if (field.type.startsWith("*")) parts.push("*");
  const mergeKey = /patchMergeKey:"([^"]*)"/.exec(field.tag)?.[1];
  const strategy = /patchStrategy:"([^"]*)"/.exec(field.tag)?.[1];
  if (mergeKey) parts.push(`key=${mergeKey}`);
  if (strategy) parts.push(`patch=${strategy}`);
  const listType = marker(field.comments, "listType");
  if (listType) parts.push(`list=${listType}`);
  const keys = field.comments
    .filter((text) => text.startsWith("+listMapKey="))
    .map((text) => text.slice(12).trim());
  if (keys.length > 0) parts.push(`keys=${keys.join(",")}`);
  const mapType = marker(field.comments, "structType") ?? marker(field.comments, "mapType");
  if (mapType) parts.push(`map=${mapType}`);
  const goType = field.type.replaceAll(/^[*[\]]+/g, "");
  if (enums.has(goType)) parts.push(`enum=${goType}`);
  const spoken = namedType(field.type, version);
  if (spoken) parts.push(`go=${spoken}`);
  const value = marker(field.comments, "default");
  if (value !== undefined) parts.push(`default=${value}`);
  return parts.join(" ");
}

function readPackage(source: Source): PackageFacts {
  const directory = join(roots.get(source.module) as string, source.directory);
  const proto = readProto(join(directory, "generated.proto"));
  const doc = existsSync(join(directory, "doc.go")) ? readFileSync(join(directory, "doc.go"), "utf8") : "";
  const group = /\+groupName=(.*)/.exec(doc)?.[1]?.trim();
  const texts = readdirSync(directory)
    .filter(
      (file) =>
        file.endsWith(".go") &&
        !file.endsWith("_test.go") &&
        !file.startsWith("zz_") &&
        !file.includes("generated"),
    )
    .map((file) => readFileSync(join(directory, file), "utf8"));
  const lines = texts.flatMap((text) => text.split("\n"));
  const constants = new Map<string, string>();
  const enums: Record<string, string[]> = {};
  for (const [i, line] of lines.entries()) {
    const declared = /^type (\w+) string$/.exec(line);
    if (!declared) continue;
    for (let back = i - 1; back >= 0 && (lines[back] as string).startsWith("//"); back--) {
      if (/^\/\/ \+enum\b/.test(lines[back] as string)) enums[declared[1] as string] = [];
    }
  }
  for (const line of lines) {
    const constant = /^(?:\t|const )(\w+)(?:\s+([\w.]+))?\s+=\s+(?:\w+\()?"([^"]*)"/.exec(line);
    if (!constant) continue;
    constants.set(constant[1] as string, constant[3] as string);
    const members = constant[2] ? enums[constant[2]] : undefined;
    if (members && !members.includes(constant[3] as string)) members.push(constant[3] as string);
  }
  const types: PackageFacts["types"] = {};
  const names = new Set(Object.keys(enums));
  for (const [i, line] of lines.entries()) {
    const declared = /^type (\w+) struct ?\{/.exec(line);
    if (!declared) continue;
    const name = declared[1] as string;
    const fields: Record<string, string> = {};
    const inside = line.endsWith("}") ? [] : goFields(lines, i + 1);
    for (const field of inside) {
      const text = fieldFacts(
        field,
        proto.get(name),
        names,
        source.directory.slice(source.directory.lastIndexOf("/") + 1),
      );
      if (text === undefined) continue;
      const key = field.name || `(${field.goName || field.type.replaceAll(/^.*\.|\*/g, "")})`;
      fields[key] = text.replace(
        /default=ref\((\w+)\)/,
        (_, ref: string) => `default=${JSON.stringify(constants.get(ref) ?? "")}`,
      );
    }
    const comments: string[] = [];
    for (let back = i - 1; back >= 0 && (lines[back] as string).startsWith("//"); back--)
      comments.push((lines[back] as string).slice(2).trim());
    const mapType = marker(comments, "structType");
    if (mapType) fields["()"] = `map=${mapType}`;
    if (Object.keys(fields).length > 0 || /^type \w+ struct ?\{\s*\}?$/.test(line)) types[name] = fields;
  }
  return { ...(group === undefined ? {} : { group }), enums, types };
}

const facts: Facts = { source: `k8s.io modules ${version}`, packages: {} };
for (const source of [...fixed, ...apiPackages()]) facts.packages[source.name] = readPackage(source);

/** One line per type keeps changes between versions readable. */
function render(): string {
  const packages = Object.entries(facts.packages).map(([name, each]) => {
    const types = Object.entries(each.types).map(
      ([type, fields]) => `   ${JSON.stringify(type)}: ${JSON.stringify(fields)}`,
    );
    const group = each.group === undefined ? "" : `"group": ${JSON.stringify(each.group)},\n  `;
    return ` ${JSON.stringify(name)}: {${group}"enums": ${JSON.stringify(each.enums)},\n  "types": {\n${types.join(",\n")}\n  }}`;
  });
  return `{"source": ${JSON.stringify(facts.source)},\n"packages": {\n${packages.join(",\n")}\n}}\n`;
}
writeFileSync(target, render());
process.stdout.write(`${target}: ${Object.keys(facts.packages).length} packages, ${render().length} bytes\n`);
