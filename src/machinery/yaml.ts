/** YAML (and JSON) streams of documents, with the place of every mistake. */
import { isAlias, parseAllDocuments, visit, type YAMLError } from "yaml";
import type { LineCounter } from "yaml";
import { LineCounter as Lines, stringify } from "yaml";

export interface YamlDocument {
  value: unknown;
  /** Line the document begins at, from 1. */
  line: number;
}

/** A mistake in the text. The message reads `source:line:column: what is wrong`. */
export class YamlError extends Error {
  override readonly name = "YamlError";
  readonly source: string;
  readonly line: number;
  readonly column: number;

  constructor(source: string, line: number, column: number, what: string) {
    super(`${source}:${line}:${column}: ${what}`);
    this.source = source;
    this.line = line;
    this.column = column;
  }
}

/** Empty documents are left out. `source` names the text in errors (a file name or `standard input`). */
export function parseYamlDocuments(text: string, source: string): YamlDocument[] {
  const lines = new Lines();
  const documents = parseAllDocuments(text, {
    lineCounter: lines,
    // Manifests are JSON in another spelling: YAML 1.2 core, no timestamps, keys are strings.
    version: "1.2",
    schema: "core",
    prettyErrors: false,
    uniqueKeys: true,
    strict: true,
    merge: true,
  });
  const found: YamlDocument[] = [];
  for (const document of documents) {
    const error = document.errors[0];
    if (error) throw located(error, lines, source);
    const line = lines.linePos(document.contents?.range?.[0] ?? document.range[0]).line;
    let aliases = 0;
    visit(document, (_, node) => {
      if (isAlias(node)) aliases++;
    });
    let value: unknown;
    try {
      // Expanding aliases is bounded: a page of nested ones can stand for gigabytes.
      value = document.toJS({ maxAliasCount: aliases === 0 ? -1 : 100 });
    } catch (cause) {
      throw new YamlError(source, line, 1, cause instanceof Error ? cause.message : String(cause));
    }
    if (value !== null && value !== undefined) found.push({ value, line });
  }
  return found;
}

function located(error: YAMLError, lines: LineCounter, source: string): YamlError {
  const place = lines.linePos(error.pos[0]);
  const what = error.code === "DUPLICATE_KEY" ? "a key appears twice in the same map" : error.message;
  return new YamlError(source, place.line, place.col, what);
}

/** YAML as kubectl prints it: keys in order, lists flush with their key, long text not folded. */
export function formatYaml(value: unknown): string {
  return stringify(value, {
    lineWidth: 0,
    indentSeq: false,
    aliasDuplicateObjects: false,
    sortMapEntries: true,
    defaultStringType: "PLAIN",
    version: "1.1",
    singleQuote: false,
  });
}
