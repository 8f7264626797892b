/**
 * A request's body in YAML, with the mistakes in the words of Go's parser (yaml.v2). Only the first document is read, and a
 * key that appears twice is no mistake yet: the last one counts, and who asked for strictness is told.
 */
import type { LineCounter, YAMLError } from "yaml";
import { parseExact } from "./exact-json.ts";
import { duplicateMembers } from "./json-duplicates.ts";
import { yamlLibrary, yamlOptions } from "./yaml.ts";

export interface YamlBody {
  /** null: nothing is there. */
  value: unknown;
  /** `line 5: key "a" already set in map` */
  duplicates: string[];
}

/** Characters that YAML 1.1 does not have. */
function hasControls(text: string): boolean {
  // oxlint-disable-next-line no-control-regex
  return /[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]/.test(text);
}

/** Where a document ends that is one list or map in brackets: what stands behind that is never read. */
function endOfFlow(text: string): number {
  const start = /^(?:\s|#.*)*/.exec(text)?.[0].length ?? 0;
  if (text[start] !== "{" && text[start] !== "[") return text.length;
  let depth = 0;
  for (let i = start; i < text.length; i++) {
    const char = text[i];
    if (char === '"' || char === "'") {
      // A quote inside a plain scalar is a character as any other.
      if (!/[\s,:[{]/.test(text[i - 1] ?? " ")) continue;
      i++;
      while (i < text.length && text[i] !== char) i += char === '"' && text[i] === "\\" ? 2 : 1;
    } else if (char === "#" && /\s/.test(text[i - 1] ?? "")) {
      while (i < text.length && text[i] !== "\n") i++;
    } else if (char === "{" || char === "[") depth++;
    else if ((char === "}" || char === "]") && --depth === 0) return i + 1;
  }
  return text.length;
}

/** `yaml: line 2: did not find expected key` */
export class GoYamlError extends Error {
  override readonly name = "GoYamlError";
}

/** Expanding more aliases than this is refused: a page of nested ones can stand for gigabytes. */
const maxAliases = 100;

/**
 * What clients send as YAML is nearly always JSON, which is read twenty times as fast. Undefined where the two might not
 * mean the same: keys that appear twice, merge keys, and all that is no JSON.
 */
function readAsJson(text: string): YamlBody | undefined {
  if (!/^\s*\{/.test(text) || text.includes('"<<"')) return undefined;
  try {
    const value = parseExact(text);
    return duplicateMembers(text).length === 0 ? { value, duplicates: [] } : undefined;
  } catch {
    return undefined;
  }
}

/** Throws GoYamlError. */
export function readYamlBody(given: string): YamlBody {
  if (hasControls(given)) throw new GoYamlError("yaml: control characters are not allowed");
  const json = readAsJson(given);
  if (json) return json;
  const text = given.slice(0, endOfFlow(given));
  const yaml = yamlLibrary();
  const lines = new yaml.LineCounter();
  const [document] = yaml.parseAllDocuments(text, { ...yamlOptions, lineCounter: lines, uniqueKeys: false });
  if (!document || !("contents" in document)) return { value: null, duplicates: [] };
  if (/^(?:#.*\n|\s*\n)*%YAML\s+(?!1\.1\s)/.test(text))
    throw new GoYamlError("yaml: found incompatible YAML document");
  if (document.errors.length > 0) throw new GoYamlError(`yaml: ${inGoWords(document.errors, text, lines)}`);
  const duplicates: string[] = [];
  yaml.visit(document, {
    Map(_, map) {
      const seen = new Set<string>();
      for (const { key } of map.items) {
        if (!yaml.isScalar(key) || key.value === "<<") continue;
        const name = String(key.value);
        if (seen.has(name)) {
          const { line } = lines.linePos(key.range?.[0] ?? 0);
          duplicates.push(`line ${line}: key ${JSON.stringify(name)} already set in map`);
        } else seen.add(name);
      }
    },
  });
  try {
    return { value: document.toJS({ maxAliasCount: maxAliases }) ?? null, duplicates };
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    const anchor = /^Unresolved alias.*: (.*)$/.exec(message)?.[1];
    const what =
      anchor === undefined ? "document contains excessive aliasing" : `unknown anchor '${anchor}' referenced`;
    throw new GoYamlError(`yaml: ${what}`, { cause });
  }
}

/** Go counts lines from 0 in its parser and from 1 in its scanner, and does not name the first. */
function inGoWords([error, after]: readonly YAMLError[], text: string, lines: LineCounter): string {
  if (!error) return "";
  const lineAt = (position: number): number => lines.linePos(Math.min(position, text.length)).line - 1;
  const at = lineAt(error.pos[0]);
  /** Where the next thing stands that is no white space. */
  const next = error.pos[0] + (/^\s*/.exec(text.slice(error.pos[0]))?.[0].length ?? 0);
  const scanner = (what: string, line = at): string => (line === 0 ? what : `line ${line + 1}: ${what}`);
  const parser = (what: string, line = at): string => (line === 0 ? what : `line ${line}: ${what}`);
  switch (error.code) {
    case "TAB_AS_INDENT":
    case "BAD_SCALAR_START":
      return scanner("found character that cannot start any token");
    case "BLOCK_AS_IMPLICIT_KEY": {
      // A text of several lines that turns out to be a key: the colon is what cannot stand there.
      const line = after?.code === "MULTILINE_IMPLICIT_KEY" ? lineAt(after.pos[1]) : at;
      return scanner("mapping values are not allowed in this context", line);
    }
    case "BAD_DQ_ESCAPE":
      return scanner("found unknown escape character");
    case "MISSING_CHAR":
    case "BAD_INDENT": {
      if (/quote/.test(error.message)) return scanner("found unexpected end of stream", lineAt(text.length));
      const close = /^Flow map/.test(error.message) ? "}" : /^Flow seq/.test(error.message) ? "]" : "";
      if (close === "") break;
      if (next < text.length) return parser(`did not find expected ',' or '${close}'`, lineAt(next));
      // The end of the text stands on a line of its own.
      const last = lineAt(text.length) + (text.endsWith("\n") ? 0 : 1);
      const open = /[[{,:]\s*$/.test(text);
      return parser(`did not find expected ${open ? "node content" : `',' or '${close}'`}`, last);
    }
    case "UNEXPECTED_TOKEN":
      if (/^\s*-(\s|$)/.test(text)) return parser("did not find expected '-' indicator");
      break;
    default:
  }
  return parser("did not find expected key");
}
