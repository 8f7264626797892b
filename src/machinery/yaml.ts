/**
 * Parses YAML (and JSON) streams of documents, with the positions of errors. Scalars are those of Kubernetes' parser (Go's
 * yaml.v2): `yes`, `no`, `on`, `off` are booleans, `0644` is octal; times are strings.
 */
import type {
  DocumentOptions,
  LineCounter,
  ParseOptions,
  ScalarTag,
  SchemaOptions,
  Tags,
  YAMLError,
} from "yaml";

type Library = typeof import("yaml");
let loaded: Library | undefined;

/**
 * The parser is large and rarely needed, so it is loaded on first use: by the bundler's `require` in a bundle, by Node's from
 * source.
 */
export function yamlLibrary(): Library {
  if (loaded) return loaded;
  try {
    loaded = require("yaml") as Library;
  } catch (cause) {
    if (!(cause instanceof ReferenceError)) throw cause;
    const { createRequire } = process.getBuiltinModule("node:module");
    loaded = createRequire(import.meta.url)("yaml") as Library;
  }
  return loaded;
}

export interface YamlDocument {
  value: unknown;
  /** Line the document begins at, from 1. */
  line: number;
}

/** A syntax error. The message is `source:line:column: problem`. */
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

/** Longer integers may be inexact in JavaScript. */
const longNumber = /^[-+]?[1-9][0-9]{15,18}$/;
const smallest = -(2n ** 63n);
const largest = 2n ** 63n - 1n;

/** A bigint if a number would be inexact; beyond 64 bits it is a float in Go, too. */
function exactNumber(text: string): number | bigint {
  const value = Number(text);
  if (Number.isSafeInteger(value)) return value;
  const exact = BigInt(text.replace("+", ""));
  return exact < smallest || exact > largest ? value : exact;
}

const scalar = (tag: string, test: RegExp, resolve: (text: string) => unknown): ScalarTag => ({
  tag: `tag:yaml.org,2002:${tag}`,
  default: true,
  test,
  resolve,
});

/** Scalars of YAML 1.1 that the core schema of 1.2 lacks. */
const older: readonly ScalarTag[] = [
  scalar("bool", /^(?:[yY]|yes|Yes|YES|on|On|ON)$/, () => true),
  scalar("bool", /^(?:[nN]|no|No|NO|off|Off|OFF)$/, () => false),
  scalar("int", /^[-+]?0[0-7_]+$/, (text) => signed(text, (digits) => Number.parseInt(digits, 8))),
  scalar("int", /^[-+]?0b[01_]+$/, (text) => signed(text, (digits) => Number.parseInt(digits.slice(2), 2))),
  scalar("int", /^[-+]?0x[0-9a-fA-F_]+$/, (text) =>
    signed(text, (digits) => Number.parseInt(digits.slice(2), 16)),
  ),
  scalar("int", longNumber, exactNumber),
  scalar("int", /^[-+]?[1-9][0-9]*_[0-9_]*$/, (text) => signed(text, Number)),
];

/** Base64 is decoded to a string, as by Go's decoder, since JSON has no bytes. */
const binary: ScalarTag = {
  tag: "tag:yaml.org,2002:binary",
  resolve(text, onError) {
    const packed = text.replaceAll(/\s/g, "");
    if (packed.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(packed)) return atob(packed);
    onError("!!binary value contains invalid base64 data");
    return text;
  },
};

function signed(text: string, read: (digits: string) => number): number {
  const digits = text.replace(/^[-+]/, "").replaceAll("_", "");
  return text.startsWith("-") ? -read(digits) : read(digits);
}

/** Scalars, keys and merges as in Kubernetes' parser. */
export const yamlOptions = {
  version: "1.2",
  schema: "core",
  customTags: (tags: Tags): Tags => [...older, binary, ...tags],
  prettyErrors: false,
  // Suppresses warnings about clients' texts, which would fill the log.
  logLevel: "error",
  strict: true,
  merge: true,
} as const satisfies DocumentOptions & SchemaOptions & ParseOptions;

/** Numbers beyond float64 are strings in Go's parser, except `.inf`. */
export function keepHuge(node: { value: unknown; source?: string }): void {
  const { value, source } = node;
  if ((value === Infinity || value === -Infinity) && source !== undefined && /\d/.test(source))
    node.value = source;
}

/** Skips empty documents. `source` names the text in errors (a file name or `standard input`). */
export function parseYamlDocuments(text: string, source: string): YamlDocument[] {
  const yaml = yamlLibrary();
  const lines = new yaml.LineCounter();
  const documents = yaml.parseAllDocuments(text, {
    lineCounter: lines,
    ...yamlOptions,
    uniqueKeys: true,
  });
  const found: YamlDocument[] = [];
  for (const document of documents) {
    const error = document.errors[0];
    if (error) throw located(error, lines, source);
    const line = lines.linePos(document.contents?.range?.[0] ?? document.range[0]).line;
    let aliases = 0;
    yaml.visit(document, (_, node) => {
      if (yaml.isAlias(node)) aliases++;
      else if (yaml.isScalar(node)) keepHuge(node);
    });
    let value: unknown;
    try {
      // Limits alias expansions, since nested ones can expand to gigabytes.
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
