/**
 * YAML (and JSON) streams of documents, with the place of every mistake. Scalars mean what they mean to Kubernetes'
 * parser (Go's yaml.v2): `yes`, `no`, `on`, `off` are booleans, `0644` is octal; times stay strings.
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
 * The parser is as large as all of machinery and most processes never read YAML, so it is loaded at its first use:
 * by the bundler's own `require` in a bundle, by Node's where the source runs as it is.
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

/** Longer whole numbers may be beyond what a JavaScript number holds exactly. */
const longNumber = /^[-+]?[1-9][0-9]{15,18}$/;
const smallest = -(2n ** 63n);
const largest = 2n ** 63n - 1n;

/** A bigint where a number would not be exact; beyond 64 bits it is a floating-point number in Go, too. */
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

/** What YAML 1.1 knew and the core schema of 1.2 does not. */
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

/** Base64 stands for the text it encodes, as Go's decoder has it, since JSON knows no bytes. */
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

/** How Kubernetes' parser reads scalars, keys and merges. */
export const yamlOptions = {
  version: "1.2",
  schema: "core",
  customTags: (tags: Tags): Tags => [...older, binary, ...tags],
  prettyErrors: false,
  // What is odd about a client's text is no news to who runs the server: each mistake would be a line in its log.
  logLevel: "error",
  strict: true,
  merge: true,
} as const satisfies DocumentOptions & SchemaOptions & ParseOptions;

/** A number that no float64 can hold is a text to Go's parser; `.inf` is none of those. */
export function keepHuge(node: { value: unknown; source?: string }): void {
  const { value, source } = node;
  if ((value === Infinity || value === -Infinity) && source !== undefined && /\d/.test(source))
    node.value = source;
}

/** Empty documents are left out. `source` names the text in errors (a file name or `standard input`). */
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
