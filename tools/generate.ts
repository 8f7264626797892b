/**
 * Writes src/api/generated/ out of the models of `@kubernetes/client-node`, the texts of `kubernetes-models` and the tables in src/api/facts/:
 * `types.ts` (interfaces), `shapes.js` (what fields every type has, compact), `descriptions.js` (their texts),
 * `protobuf.js` (field numbers), `internal.js` (internal types). Runs at set-up in about a second; what is current already is left alone.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { definitions, specialTypes } from "../src/api/openapi/special-types.ts";
import type { Facts } from "./facts.ts";
import { oneWord, readTexts, textsIn, type TypeTexts } from "./model-texts.ts";
import { parameterTexts } from "./parameters.ts";
import { type Texts, textOf } from "./texts.ts";
import { definitionNames, describe, type Model, protobufTable, readModel, shapes } from "./models.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const packages = join(root, "node_modules");
const models = join(packages, "@kubernetes/client-node/dist/gen/models");
const requests = join(packages, "@kubernetes/client-node/dist/gen/types/ObjectParamAPI.d.ts");
const textPackages = ["@kubernetes-models/apimachinery", "kubernetes-models"];
/** The one text that these leave out. */
const quantity = "kubernetes-types/api/resource.d.ts";
const target = join(root, "src/api/generated");

const header = "// Made by tools/generate.ts; not to be edited.\n";

/** `V1Pod` is Pod; what does not start with exactly V1 keeps its name. */
function typeName(model: string): string {
  return /^V1[A-Z]/.test(model) ? model.slice(2) : model;
}

function typeText(type: string): string {
  const list = /^Array<(.+)>$/.exec(type);
  if (list) {
    const inner = typeText(list[1] as string);
    return `${inner.includes("|") ? `(${inner})` : inner}[]`;
  }
  const map = /^\{ \[key: string\]: (.+); \}$/.exec(type);
  if (map) return `Record<string, ${typeText(map[1] as string)}>`;
  if (type === "Date" || type === "V1MicroTime") return "string";
  if (type === "any" || type === "object") return "unknown";
  if (type === "IntOrString") return "IntOrString";
  if (type === "string" || type === "number" || type === "boolean") return type;
  return typeName(type);
}

function comment(text: string, indent: string): string {
  return text === "" ? "" : `${indent}/** ${text.replaceAll("*/", "*\\/")} */\n`;
}

function interfaceText(model: Model): string {
  const lines = model.fields.map((field) => {
    const name = /^[A-Za-z_$][\w$]*$/.test(field.name) ? field.name : JSON.stringify(field.name);
    return `${comment(field.description, "  ")}  ${name}${field.required ? "" : "?"}: ${typeText(field.type)};\n`;
  });
  return `${comment(model.description, "")}export interface ${typeName(model.name)} {\n${lines.join("")}}\n`;
}

function write(file: string, text: string): void {
  const path = join(target, file);
  let old = "";
  try {
    old = readFileSync(path, "utf8");
  } catch {
    // First run.
  }
  if (old !== text) writeFileSync(path, text);
}

/** A module whose only export is one string: it costs next to nothing to load until somebody parses it. */
function textModule(file: string, data: unknown): void {
  write(`${file}.js`, `${header}export const text = ${JSON.stringify(JSON.stringify(data))};\n`);
  write(`${file}.d.ts`, `${header}export declare const text: string;\n`);
}

/** Changes with everything that documents about the API are made of: who keeps them can tell. */
function sourceDigest(): string {
  const hash = createHash("sha256").update(readFileSync(join(root, "package-lock.json")));
  const read = (directory: string): void => {
    for (const entry of readdirSync(directory, { withFileTypes: true }).sort((a, b) =>
      a.name < b.name ? -1 : 1,
    )) {
      const path = join(directory, entry.name);
      if (entry.isDirectory()) {
        if (path !== target) read(path);
      } else if (!/\.(test\.ts|md)$/.test(entry.name)) hash.update(readFileSync(path));
    }
  };
  read(join(root, "src/api"));
  return hash.digest("hex");
}

/** Definition name -> field -> description; the type's own under the empty name. */
function descriptionsOf(
  all: readonly Model[],
  names: ReadonlyMap<string, string>,
): Record<string, TypeTexts> {
  const found = new Map<string, TypeTexts>();
  for (const name of textPackages) readTexts(join(packages, name), found);
  found.set(oneWord(definitions.quantity), textsIn(readFileSync(join(packages, quantity), "utf8")));
  const described = describe(all, names);
  for (const definition of Object.keys(specialTypes(3))) described[definition] ??= {};
  const said = Object.entries(described).map(([definition, own]): [string, TypeTexts] => {
    const texts = found.get(oneWord(definition));
    if (!texts) return [definition, own];
    // The packages that have all else take these two for granted.
    const { apiVersion, kind } = own;
    return [definition, { ...(apiVersion ? { apiVersion } : {}), ...(kind ? { kind } : {}), ...texts }];
  });
  return Object.fromEntries(said);
}

interface ColumnFacts {
  /** Texts that several columns have; a number refers to one. */
  shared: string[];
  /** Texts of the columns by `<apiVersion>/<plural>`; `@<definition>#<field>` is that field's description. */
  columns: Record<string, (string | number)[]>;
}

/** Begins what documents say about the values of a field, which tables do not. */
const aboutValues = "\n\nPossible enum values:";

/** What table columns say of themselves: texts of their own, and the descriptions of fields. */
function columnTexts(descriptions: Record<string, Record<string, string>>): Record<string, string[]> {
  const facts = JSON.parse(readFileSync(join(root, "src/api/facts/columns.json"), "utf8")) as ColumnFacts;
  const text = (given: string | number): string => {
    if (typeof given === "number") return facts.shared[given] ?? "";
    if (!given.startsWith("@")) return given;
    const [type = "", field = ""] = given.slice(1).split("#");
    return (descriptions[type]?.[field] ?? "").split(aboutValues, 1)[0] as string;
  };
  return Object.fromEntries(Object.entries(facts.columns).map(([key, given]) => [key, given.map(text)]));
}

/** Types of parameters, and the package's texts about them with their line feeds. */
function parameterTable({ parameters, parameterFeeds }: Texts): Record<string, object> {
  const said = parameterTexts(readFileSync(requests, "utf8"), Object.keys(parameters));
  return Object.fromEntries(
    Object.entries(parameters).map(([key, type]) => {
      const text = said[key];
      if (text === undefined) throw new Error(`the package says nothing of the parameter ${key}`);
      return [key, { type, description: textOf(text, parameterFeeds[key] ?? []) }];
    }),
  );
}

export async function generate(): Promise<void> {
  mkdirSync(target, { recursive: true });
  const all = readdirSync(models)
    .filter((file) => file.endsWith(".d.ts") && file !== "all.d.ts" && file !== "ObjectSerializer.d.ts")
    .map((file) => readModel(models, file.slice(0, -5)));
  const facts = JSON.parse(readFileSync(join(root, "src/api/facts/kubernetes.json"), "utf8")) as Facts;
  const names = definitionNames(all, facts);
  const missing = ["V1Pod", "V1Deployment", "CoreV1Event", "V1ObjectMeta"].filter((name) => !names.has(name));
  if (missing.length > 0)
    throw new Error(`no definition name for ${missing.join(", ")}; is src/api/facts current?`);
  const own = new Set(["V1ObjectMeta", "V1OwnerReference"]);
  write(
    "types.ts",
    `${header}import type { ObjectMeta } from "../meta.ts";\n\n` +
      "export type IntOrString = number | string;\n\n" +
      all
        .filter((model) => !own.has(model.name))
        .map(interfaceText)
        .join("\n"),
  );
  const texts = JSON.parse(readFileSync(join(root, "src/api/facts/texts.json"), "utf8")) as Texts;
  textModule("shapes", shapes(all, facts, names, texts.enums));
  const descriptions = descriptionsOf(all, names);
  textModule("descriptions", descriptions);
  textModule("column-texts", columnTexts(descriptions));
  textModule("parameters", parameterTable(texts));
  textModule("source", sourceDigest());
  textModule("protobuf", protobufTable(facts));
  textModule("internal", JSON.parse(readFileSync(join(root, "src/api/facts/internal.json"), "utf8")));
}

if (import.meta.main) {
  const start = performance.now();
  await generate();
  process.stdout.write(`src/api/generated written in ${Math.round(performance.now() - start)} ms\n`);
}
