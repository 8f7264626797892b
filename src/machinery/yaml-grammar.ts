/** Finds where Go's parser (yaml.v2) fails: the expected tokens of YAML 1.1's grammar. */
import { YamlTextProblem } from "./yaml-problem.ts";
import { type TokenKind, YamlTokens } from "./yaml-tokens.ts";

const blockEnds = new Set<TokenKind>(["key", "value", "block end"]);
const besideDocuments = new Set<TokenKind>([
  "version",
  "tag directive",
  "document start",
  "document end",
  "stream end",
]);

/**
 * Throws YamlTextProblem where Go's parser fails in the first document; depth is not limited. Returns the line, from 0, from
 * which on nothing is read, because an indented block has ended.
 */
export function checkYamlText(text: string): number | undefined {
  return new Grammar(text).document();
}

class Grammar {
  readonly #tokens: YamlTokens;
  /** Stack of pending productions. */
  readonly #next: (() => void)[] = [];
  readonly #handles = new Set(["!", "!!"]);
  readonly #anchors = new Set<string>();

  constructor(text: string) {
    this.#tokens = new YamlTokens(text);
  }

  document(): number | undefined {
    const first = this.#kind();
    if (first === "stream end") return undefined;
    if (first === "version" || first === "tag directive" || first === "document start") {
      this.#directives();
      if (this.#kind() !== "document start") this.#fail("did not find expected <document start>");
      this.#tokens.take();
      if (besideDocuments.has(this.#kind())) return undefined;
    }
    const inBlock = this.#kind().startsWith("block");
    this.#node(true);
    for (let step = this.#next.pop(); step; step = this.#next.pop()) step();
    const { kind, line } = this.#tokens.peek();
    return inBlock && !besideDocuments.has(kind) ? line : undefined;
  }

  #kind(): TokenKind {
    return this.#tokens.peek().kind;
  }

  #taken(kind: TokenKind): boolean {
    if (this.#kind() !== kind) return false;
    this.#tokens.take();
    return true;
  }

  #fail(what: string): never {
    throw new YamlTextProblem(what, this.#tokens.peek().line);
  }

  #directives(): void {
    let versions = 0;
    const own = new Set<string>();
    for (;;) {
      const { kind, text = "" } = this.#tokens.peek();
      if (kind === "version") {
        if (versions++ > 0) this.#fail("found duplicate %YAML directive");
        if (text !== "1.1") this.#fail("found incompatible YAML document");
      } else if (kind === "tag directive") {
        if (own.has(text)) this.#fail("found duplicate %TAG directive");
        own.add(text);
        this.#handles.add(text);
      } else return;
      this.#tokens.take();
    }
  }

  #node(block: boolean, orEntries = false): void {
    const token = this.#tokens.peek();
    if (token.kind === "alias") {
      if (!this.#anchors.has(token.text ?? ""))
        throw new YamlTextProblem(`unknown anchor '${token.text}' referenced`, 0);
      this.#tokens.take();
      return;
    }
    const described = this.#properties();
    const kind = this.#kind();
    if (orEntries && kind === "-") this.#next.push(this.#entries);
    else if (kind === "scalar") this.#tokens.take();
    else if (kind === "[") this.#begin(() => this.#flowSequence(true));
    else if (kind === "{") this.#begin(() => this.#flowMapping(true));
    else if (block && kind === "block sequence") this.#begin(this.#blockSequence);
    else if (block && kind === "block mapping") this.#begin(this.#blockKey);
    else if (!described) this.#fail("did not find expected node content");
  }

  #begin(step: () => void): void {
    this.#tokens.take();
    this.#next.push(step);
  }

  /** An anchor and a tag, in any order; true when there is either. */
  #properties(): boolean {
    const seen = new Set<TokenKind>();
    let undefinedTag = -1;
    for (;;) {
      const { kind, text = "", line } = this.#tokens.peek();
      if ((kind !== "anchor" && kind !== "tag") || seen.has(kind)) break;
      seen.add(kind);
      if (kind === "anchor") this.#anchors.add(text);
      else if (text !== "" && !this.#handles.has(text)) undefinedTag = line;
      this.#tokens.take();
    }
    if (undefinedTag >= 0) throw new YamlTextProblem("found undefined tag handle", undefinedTag);
    return seen.size > 0;
  }

  readonly #blockSequence = (): void => {
    if (this.#taken("block end")) return;
    if (!this.#taken("-")) this.#fail("did not find expected '-' indicator");
    this.#next.push(this.#blockSequence);
    const kind = this.#kind();
    if (kind !== "-" && kind !== "block end") this.#node(true);
  };

  /** Entries of a list that is not indented below its key. */
  readonly #entries = (): void => {
    if (!this.#taken("-")) return;
    this.#next.push(this.#entries);
    const kind = this.#kind();
    if (kind !== "-" && !blockEnds.has(kind)) this.#node(true);
  };

  readonly #blockKey = (): void => {
    if (this.#taken("block end")) return;
    if (!this.#taken("key")) this.#fail("did not find expected key");
    this.#next.push(this.#blockValue);
    if (!blockEnds.has(this.#kind())) this.#node(true, true);
  };

  readonly #blockValue = (): void => {
    this.#next.push(this.#blockKey);
    if (this.#taken("value") && !blockEnds.has(this.#kind())) this.#node(true, true);
  };

  /** True when another member follows. */
  #continues(first: boolean, end: "]" | "}"): boolean {
    if (this.#kind() !== end && !first && !this.#taken(","))
      this.#fail(`did not find expected ',' or '${end}'`);
    return !this.#taken(end);
  }

  #flowSequence(first: boolean): void {
    if (!this.#continues(first, "]")) return;
    this.#next.push(() => this.#flowSequence(false));
    if (!this.#taken("key")) return this.#node(false);
    // A list's item may be a map of one pair.
    this.#next.push(() => this.#flowValue("]"));
    const kind = this.#kind();
    if (kind !== "value" && kind !== "," && kind !== "]") this.#node(false);
    else this.#tokens.take();
  }

  #flowMapping(first: boolean): void {
    if (!this.#continues(first, "}")) return;
    this.#next.push(() => this.#flowMapping(false));
    if (!this.#taken("key")) return this.#node(false);
    this.#next.push(() => this.#flowValue("}"));
    const kind = this.#kind();
    if (kind !== "value" && kind !== "," && kind !== "}") this.#node(false);
  }

  #flowValue(end: "]" | "}"): void {
    if (!this.#taken("value")) return;
    const kind = this.#kind();
    if (kind !== "," && kind !== end) this.#node(false);
  }
}
