/**
 * Reads the OpenAPI documents in the published module k8s.io/kubernetes and writes facts that `@kubernetes/client-node` lacks as
 * src/api/facts/texts.json: values of fields, types of parameters and where their texts have line feeds. No text is taken over. Run by hand when the Kubernetes version changes, behind
 * extract-facts.ts; needs `go` for the download, or the module's directory as second argument.
 */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parameterTexts } from "./parameters.ts";
import { lineFeeds, type Texts } from "./texts.ts";

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
    schemas: Record<string, { properties?: Record<string, unknown> }>;
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
const requests = "node_modules/@kubernetes/client-node/dist/gen/types/ObjectParamAPI.d.ts";

/** Stable versions: alpha and beta ones are off by default. */
const documents = readdirSync(directory)
  .filter((file) => !/v\d+(alpha|beta)\d+_openapi/.test(file))
  .sort()
  .map((file) => JSON.parse(readFileSync(join(directory, file), "utf8")) as Document);

/**
 * Fields that have one of certain values, by `<group>.<version>.<Type>.<field>`: the published documents were made
 * without, the published code has it.
 */
function enumFields(): Map<string, string[]> {
  const found = new Map<string, string[]>();
  let type = "";
  let field = "";
  const lines = readFileSync(join(root, "pkg/generated/openapi/zz_generated.openapi.go"), "utf8").split("\n");
  for (const line of lines) {
    const head = /^func schema_\w*?_([a-z0-9]+)_(v\d+)_(\w+)\(ref/.exec(line);
    if (head) type = head.slice(1).join(".");
    const property = /^\t{5}"([^"]+)": \{$/.exec(line);
    if (property) field = property[1] as string;
    const values = /^\t+Enum: +\[\]interface\{\}\{(.*)\},$/.exec(line);
    if (values) found.set(`${type}.${field}`, JSON.parse(`[${values[1]}]`) as string[]);
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
        return fact ? [[field, fact]] : [];
      });
      if (fields.length > 0) found[name] = Object.fromEntries(fields);
    }
  }
  return found;
}

/** Every parameter of every operation under its name in the table. */
function* parameters(): Iterable<[key: string, parameter: Parameter]> {
  for (const { paths } of documents) {
    for (const [path, item] of Object.entries(paths)) {
      const all = (item["parameters"] ?? []) as Parameter[];
      for (const operation of Object.values(item)) {
        if (Array.isArray(operation)) continue;
        const action = operation["x-kubernetes-action"];
        const kind = operation["x-kubernetes-group-version-kind"]?.kind ?? "";
        const where = action === "connect" ? `${kind}.` : path.endsWith("/log") ? "PodLogOptions." : "";
        for (const each of [...all, ...(operation.parameters ?? [])]) {
          if (each.name === "name") continue;
          const shared = each.name === "namespace" || each.name === "pretty";
          const own = action === "patch" && each.name === "fieldManager" ? "patch." : shared ? "" : where;
          const key = each.in === "path" && each.name === "path" ? "path" : `${own}${each.name}`;
          yield [key, each];
        }
      }
    }
  }
}

function parameterTypes(): Texts["parameters"] {
  const found: Texts["parameters"] = {};
  for (const [key, { schema }] of parameters()) {
    const type = schema?.type ?? "";
    if ((found[key] ?? type) !== type) throw new Error(`two types for parameter ${key}`);
    found[key] = type;
  }
  return found;
}

function parameterFeeds(): Texts["parameterFeeds"] {
  const have = parameterTexts(readFileSync(requests, "utf8"), Object.keys(parameterTypes()));
  const found: Texts["parameterFeeds"] = {};
  for (const [key, { description = "" }] of parameters()) {
    const feeds = lineFeeds(have[key], description);
    if (feeds) found[key] = feeds;
  }
  return found;
}

const sorted = <T>(record: Record<string, T>): [string, T][] =>
  Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));

/** One line per type keeps changes between versions readable. */
function render(texts: Texts): string {
  const lines = (record: Record<string, unknown>): string =>
    sorted(record)
      .map(([name, fact]) => ` ${JSON.stringify(name)}: ${JSON.stringify(fact)}`)
      .join(",\n");
  const { source, enums: values, parameters: all, parameterFeeds: feeds } = texts;
  return `{"source": ${JSON.stringify(source)},\n"enums": {\n${lines(values)}\n},\n"parameters": {\n${lines(all)}\n},\n"parameterFeeds": {\n${lines(feeds)}\n}}\n`;
}

const made = render({
  source: `k8s.io/kubernetes ${version}, api/openapi-spec/v3`,
  enums: enumValues(),
  parameters: parameterTypes(),
  parameterFeeds: parameterFeeds(),
});
writeFileSync(target, made);
process.stdout.write(`${target}: ${made.length} bytes\n`);
