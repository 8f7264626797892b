/**
 * Parses YAML bodies, with the errors of Go's parser (yaml.v2). Only the first document is read. Duplicate keys are reported but
 * no error: the last one counts.
 */
import { parseExact } from "./exact-json.ts";
import { duplicateMembers } from "./json-duplicates.ts";
import { checkYamlText } from "./yaml-grammar.ts";
import { YamlTextProblem } from "./yaml-problem.ts";
import { keepHuge, yamlLibrary, yamlOptions } from "./yaml.ts";

export interface YamlBody {
  /** null: empty. */
  value: unknown;
  /** `line 5: key "a" already set in map` */
  duplicates: string[];
}

/** Characters that YAML 1.1 does not have. */
function hasControls(text: string): boolean {
  // oxlint-disable-next-line no-control-regex
  return /[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]/.test(text);
}

/** The end of a document that is a single flow collection: later text is never read. */
function endOfFlow(text: string): number {
  const start = /^(?:\s|#.*)*/.exec(text)?.[0].length ?? 0;
  if (text[start] !== "{" && text[start] !== "[") return text.length;
  let depth = 0;
  for (let i = start; i < text.length; i++) {
    const char = text[i];
    if (char === '"' || char === "'") {
      // A quote within a plain scalar is an ordinary character.
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

function firstLines(text: string, count: number): string {
  const breaks = text.matchAll(/\r\n|[\n\r\u0085\u2028\u2029]/g);
  let end = 0;
  for (let line = 0; line < count; line++) {
    const { value, done } = breaks.next();
    if (done) return text;
    end = value.index + value[0].length;
  }
  return text.slice(0, end);
}

/** `yaml: line 2: did not find expected key` */
export class GoYamlError extends Error {
  override readonly name = "GoYamlError";
}

/** Limit of alias expansions, since nested ones can expand to gigabytes. */
const maxAliases = 100;

/**
 * Most YAML of clients is JSON, which is parsed twenty times as fast. Undefined when the results could differ: duplicate keys,
 * merge keys, and anything that is not JSON.
 */
function readAsJson(text: string): YamlBody | undefined {
  if (!/^\s*\{/.test(text) || text.includes('"<<"')) return undefined;
  // YAML 1.1 lacks some escapes, and lone surrogates are invalid.
  if (text.includes("\\") && /\\(?:\/|u[dD][89a-fA-F])/.test(text)) return undefined;
  try {
    const value = parseExact(text);
    return duplicateMembers(text).length === 0 ? { value, duplicates: [] } : undefined;
  } catch {
    return undefined;
  }
}

/** The library creates an error per mistake, which can be one per character of a hostile text: omits stack traces. */
function withoutStacks<T>(work: () => T): T {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return work();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

interface Placed {
  range?: readonly number[] | null;
  anchor?: string;
  tag?: string;
  source?: string;
}

/** The position of a key in Go's parser: that of its value, if it has one. */
function placeOf(key: Placed, value: unknown): number {
  const { range, anchor, tag, source } = (value ?? {}) as Placed;
  const besideKey = anchor !== undefined || tag !== undefined || source === "";
  return (besideKey ? key.range : range)?.[0] ?? key.range?.[0] ?? 0;
}

/** Throws GoYamlError. */
export function readYamlBody(given: string): YamlBody {
  if (hasControls(given)) throw new GoYamlError("yaml: control characters are not allowed");
  const json = readAsJson(given);
  if (json) return json;
  let end: number | undefined;
  try {
    end = checkYamlText(given);
  } catch (cause) {
    if (cause instanceof YamlTextProblem) throw new GoYamlError(`yaml: ${cause.message}`, { cause });
    throw cause;
  }
  const text = end === undefined ? given.slice(0, endOfFlow(given)) : firstLines(given, end);
  const yaml = yamlLibrary();
  const lines = new yaml.LineCounter();
  const [document] = withoutStacks(() =>
    yaml.parseAllDocuments(text, { ...yamlOptions, lineCounter: lines, uniqueKeys: false }),
  );
  if (!document || !("contents" in document)) return { value: null, duplicates: [] };
  const [error] = document.errors;
  if (error) {
    // A restriction of YAML 1.2 that Go's parser does not have.
    const line = lines.linePos(Math.min(error.pos[0], text.length)).line - 1;
    throw new GoYamlError(`yaml: ${line === 0 ? "" : `line ${line}: `}did not find expected key`);
  }
  const duplicates: string[] = [];
  const anchors = new Map<string, unknown>();
  const note = (node: { anchor?: string }): void => {
    if (node.anchor) anchors.set(node.anchor, node);
  };
  yaml.visit(document, {
    Scalar(_, scalar) {
      note(scalar);
      keepHuge(scalar);
    },
    Seq: (_, seq) => note(seq),
    Alias(_, { source }, above) {
      if ((above as unknown[]).includes(anchors.get(source)))
        throw new GoYamlError(`yaml: anchor '${source}' value contains itself`);
    },
    Map(_, map) {
      note(map);
      const seen = new Set<string>();
      for (const { key, value } of map.items) {
        if (!yaml.isScalar(key) || key.value === "<<") continue;
        const name = String(key.value);
        if (seen.has(name)) {
          const { line } = lines.linePos(placeOf(key, value));
          duplicates.push(`line ${line}: key ${JSON.stringify(name)} already set in map`);
        } else seen.add(name);
      }
    },
  });
  try {
    return { value: document.toJS({ maxAliasCount: maxAliases }) ?? null, duplicates };
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    if (/^Merge sources must be/.test(message))
      throw new GoYamlError("yaml: map merge requires map or sequence of maps as the value", { cause });
    const anchor = /^Unresolved alias.*: (.*)$/.exec(message)?.[1];
    const what =
      anchor === undefined ? "document contains excessive aliasing" : `unknown anchor '${anchor}' referenced`;
    throw new GoYamlError(`yaml: ${what}`, { cause });
  }
}
