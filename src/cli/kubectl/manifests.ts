import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { KubeObject } from "../../api/index.ts";
import { parseYamlDocuments } from "../../machinery/index.ts";

export interface Manifest {
  object: KubeObject & Record<string, unknown>;
  /** File and line, for messages. */
  source: string;
}

/** Objects of `-f` arguments: files, directories (with `recursive` also below them), `-` for standard input. */
export async function readManifests(names: readonly string[], recursive: boolean): Promise<Manifest[]> {
  const found: Manifest[] = [];
  for (const name of names) {
    if (name === "-") found.push(...parse(await standardInput(), "STDIN"));
    else if (/^https?:/.test(name))
      throw new Error(`${name}: manifests are read from files, not from the network`);
    else for (const file of filesOf(name, recursive)) found.push(...parse(readFileSync(file, "utf8"), file));
  }
  return found;
}

/** The file of a manifest's source, without the line. */
export const fileOf = (source: string): string => source.replace(/:\d+$/, "");

function filesOf(name: string, recursive: boolean): string[] {
  const stat = statSync(name, { throwIfNoEntry: false });
  if (!stat) throw new Error(`the path "${name}" does not exist`);
  if (!stat.isDirectory()) return [name];
  return readdirSync(name, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(name, entry.name);
      if (entry.isDirectory()) return recursive ? filesOf(path, true) : [];
      return /\.(ya?ml|json)$/.test(entry.name) ? [path] : [];
    });
}

async function standardInput(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

function parse(text: string, source: string): Manifest[] {
  return parseYamlDocuments(text, source).flatMap(({ value, line }) => flatten(value, `${source}:${line}`));
}

/** Lists are expanded to their items; empty documents are skipped. */
function flatten(value: unknown, source: string): Manifest[] {
  if (value === null || value === undefined) return [];
  if (typeof value !== "object" || Array.isArray(value))
    throw new Error(`${source}: not a Kubernetes object`);
  const object = value as Manifest["object"];
  if (!object.apiVersion) throw new Error(`${source}: apiVersion is not set`);
  if (!object.kind) throw new Error(`${source}: kind is not set`);
  const items = object["items"];
  if (object.kind.endsWith("List") && Array.isArray(items))
    return items.flatMap((item) => flatten(item, source));
  return [{ object, source }];
}
