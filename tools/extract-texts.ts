/**
 * Reads what OpenAPI documents say of types and parameters out of the published module k8s.io/kubernetes and writes what
 * `@kubernetes/client-node` lacks of it as src/api/facts/texts.json. Run by hand when the Kubernetes version changes, behind
 * extract-facts.ts; needs `go` for the download, or the module's directory as second argument.
 */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Facts } from "./facts.ts";
import { definitionNames, describe, readModel } from "./models.ts";
import { type TextFact, type Texts, textFact } from "./texts.ts";

const version = process.argv[2] ?? "v1.36.3";
const target = "src/api/facts/texts.json";

interface Parameter {
  name: string;
  in: string;
  description?: string;
  schema?: { type?: string };
}

interface Operation {
  parameters?: Parameter[];
  "x-kubernetes-action"?: string;
  "x-kubernetes-group-version-kind"?: { kind: string };
}

interface Document {
  /** Of each path: operations by method, and what all of them take under `parameters`. */
  paths: Record<string, Record<string, Operation | Parameter[]>>;
  components?: {
    schemas: Record<string, { description?: string; properties?: Record<string, { description?: string }> }>;
  };
}

function download(): string {
  const output = execFileSync("go", ["mod", "download", "-json", `k8s.io/kubernetes@${version}`], {
    encoding: "utf8",
  });
  return (JSON.parse(output) as { Dir: string }).Dir;
}

const root = process.argv[3] ?? download();
const directory = join(root, "api/openapi-spec/v3");
const models = "node_modules/@kubernetes/client-node/dist/gen/models";

/** Stable versions: alpha and beta ones are off by default. */
const documents = readdirSync(directory)
  .filter((file) => !/v\d+(alpha|beta)\d+_openapi/.test(file))
  .sort()
  .map((file) => JSON.parse(readFileSync(join(directory, file), "utf8")) as Document);

function known(): Record<string, Record<string, string>> {
  const facts = JSON.parse(readFileSync("src/api/facts/kubernetes.json", "utf8")) as Facts;
  const all = readdirSync(models)
    .filter((file) => file.endsWith(".d.ts") && file !== "all.d.ts" && file !== "ObjectSerializer.d.ts")
    .map((file) => readModel(models, file.slice(0, -5)));
  return describe(all, definitionNames(all, facts));
}

interface EnumFacts {
  /** What a server adds to a description. */
  text: string;
  values: string[];
}

/**
 * Fields that have one of certain values, by `<group>.<version>.<Type>.<field>`: the published documents were made
 * without, the published code has it.
 */
function enumFields(): Map<string, EnumFacts> {
  const found = new Map<string, EnumFacts>();
  let type = "";
  let field = "";
  let text = "";
  const lines = readFileSync(join(root, "pkg/generated/openapi/zz_generated.openapi.go"), "utf8").split("\n");
  for (const line of lines) {
    const head = /^func schema_\w*?_([a-z0-9]+)_(v\d+)_(\w+)\(ref/.exec(line);
    if (head) type = head.slice(1).join(".");
    const property = /^\t{5}"([^"]+)": \{$/.exec(line);
    if (property) {
      field = property[1] as string;
      text = "";
    }
    const described = /^\t{7}Description: +(".*"),$/.exec(line);
    if (described) {
      const all = JSON.parse(described[1] as string) as string;
      const at = all.search(/\n+Possible enum values:\n/);
      text = at < 0 ? "" : all.slice(at);
    }
    const values = /^\t+Enum: +\[\]interface\{\}\{(.*)\},$/.exec(line);
    if (values) found.set(`${type}.${field}`, { text, values: JSON.parse(`[${values[1]}]`) as string[] });
  }
  return found;
}

const enums = enumFields();
const short = (definition: string): string => definition.split(".").slice(-3).join(".");

function enumValues(): Texts["enums"] {
  const found: Texts["enums"] = {};
  for (const { components } of documents) {
    for (const [name, schema] of Object.entries(components?.schemas ?? {})) {
      const fields = Object.keys(schema.properties ?? {}).flatMap((field): [string, string[]][] => {
        const fact = enums.get(`${short(name)}.${field}`);
        return fact ? [[field, fact.values]] : [];
      });
      if (fields.length > 0) found[name] = Object.fromEntries(fields);
    }
  }
  return found;
}

function typeTexts(): Texts["types"] {
  const have = known();
  const found: Texts["types"] = {};
  for (const { components } of documents) {
    for (const [name, schema] of Object.entries(components?.schemas ?? {})) {
      const said = Object.entries(schema.properties ?? {}).map(([field, each]) => [
        field,
        (each.description ?? "") + (enums.get(`${short(name)}.${field}`)?.text ?? ""),
      ]);
      const lacking: [string, TextFact][] = [];
      for (const [field = "", text = ""] of [["", schema.description], ...said]) {
        const ours = have[name]?.[field];
        if (text !== (ours ?? "")) lacking.push([field, text === "" ? "" : textFact(ours, text)]);
      }
      if (lacking.length > 0) found[name] = Object.fromEntries(lacking.sort(([a], [b]) => (a < b ? -1 : 1)));
    }
  }
  return found;
}

function parameterTexts(): Texts["parameters"] {
  const found: Texts["parameters"] = {};
  for (const { paths } of documents) {
    for (const [path, item] of Object.entries(paths)) {
      const all = (item["parameters"] ?? []) as Parameter[];
      for (const operation of Object.values(item)) {
        if (Array.isArray(operation)) continue;
        const action = operation["x-kubernetes-action"];
        const kind = operation["x-kubernetes-group-version-kind"]?.kind ?? "";
        const where = action === "connect" ? `${kind}.` : path.endsWith("/log") ? "PodLogOptions." : "";
        for (const each of [...all, ...(operation.parameters ?? [])]) {
          const text = each.description ?? "";
          // What a name is the name of follows from the kind.
          if (each.name === "name" || text === "") continue;
          const shared = each.name === "namespace" || each.name === "pretty";
          const own = action === "patch" && each.name === "fieldManager" ? "patch." : shared ? "" : where;
          const key = each.in === "path" && each.name === "path" ? "path" : `${own}${each.name}`;
          const fact: [string, string] = [each.schema?.type ?? "", text];
          const present = found[key];
          if (present && present.join() !== fact.join()) throw new Error(`two texts for parameter ${key}`);
          found[key] = fact;
        }
      }
    }
  }
  return found;
}

const sorted = <T>(record: Record<string, T>): [string, T][] =>
  Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));

/** One line per text keeps changes between versions readable. */
function render(texts: Texts): string {
  const types = sorted(texts.types).map(([name, fields]) => {
    const lines = Object.entries(fields).map(
      ([field, fact]) => `   ${JSON.stringify(field)}: ${JSON.stringify(fact)}`,
    );
    return ` ${JSON.stringify(name)}: {\n${lines.join(",\n")}\n }`;
  });
  const values = sorted(texts.enums).map(
    ([name, fields]) => ` ${JSON.stringify(name)}: ${JSON.stringify(fields)}`,
  );
  const parameters = sorted(texts.parameters).map(
    ([name, fact]) => ` ${JSON.stringify(name)}: ${JSON.stringify(fact)}`,
  );
  return `{"source": ${JSON.stringify(texts.source)},\n"types": {\n${types.join(",\n")}\n},\n"enums": {\n${values.join(",\n")}\n},\n"parameters": {\n${parameters.join(",\n")}\n}}\n`;
}

const made = render({
  source: `k8s.io/kubernetes ${version}, api/openapi-spec/v3`,
  types: typeTexts(),
  enums: enumValues(),
  parameters: parameterTexts(),
});
writeFileSync(target, made);
process.stdout.write(`${target}: ${made.length} bytes\n`);
