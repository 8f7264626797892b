/**
 * The subset of YAML that programs write kubeconfigs in: block maps and lists of plain or double-quoted text. Anything else
 * returns undefined and needs the full parser, which takes 20 ms to load and run.
 */
export function parsePlainYaml(text: string): Record<string, unknown> | undefined {
  const lines: Line[] = [];
  for (const raw of text.split("\n")) {
    const trimmed = raw.trimEnd();
    if (trimmed === "" || trimmed === "---" || /^ *#/.test(trimmed)) continue;
    const match = /^( *)((?:- )*)([A-Za-z][\w-]*):(?: (.+))?$/.exec(trimmed);
    if (!match) return undefined;
    const [, blanks = "", dashes = "", key = "", value] = match;
    if (dashes.length > 2) return undefined;
    const scalar = value === undefined ? undefined : scalarOf(value);
    if (value !== undefined && scalar === undefined) return undefined;
    lines.push({ indent: blanks.length + dashes.length, item: dashes !== "", key, value: scalar });
  }
  const reader = new Reader(lines);
  const value = reader.map(0);
  return reader.whole ? value : undefined;
}

interface Line {
  /** The key's column. */
  indent: number;
  /** Whether it begins a list item. */
  item: boolean;
  key: string;
  value: string | Record<string, never> | undefined;
}

function scalarOf(text: string): string | Record<string, never> | undefined {
  if (text === "{}") return {};
  if (/^"[^"\\]*"$/.test(text)) return text.slice(1, -1);
  // Values that look like a number or a keyword may not be text.
  if (!/^[A-Za-z/][\w./:@+=-]*$/.test(text) || text.endsWith(":")) return undefined;
  return /^(true|false|yes|no|on|off|null|y|n)$/i.test(text) ? undefined : text;
}

class Reader {
  readonly #lines: readonly Line[];
  #at = 0;
  #broken = false;
  constructor(lines: readonly Line[]) {
    this.#lines = lines;
  }

  get whole(): boolean {
    return !this.#broken && this.#at === this.#lines.length;
  }

  map(indent: number): Record<string, unknown> {
    const map: Record<string, unknown> = {};
    for (let first = true; ; first = false) {
      const line = this.#lines[this.#at];
      if (!line || line.indent !== indent || (line.item && !first)) return map;
      this.#at++;
      if (Object.hasOwn(map, line.key)) this.#broken = true;
      map[line.key] = line.value ?? this.#inner(indent);
    }
  }

  /** The value below a key at this column: a deeper map, or a list whose dashes may be at the key's column. */
  #inner(indent: number): unknown {
    const next = this.#lines[this.#at];
    if (next?.item && next.indent - 2 >= indent) {
      const list: unknown[] = [];
      while (this.#lines[this.#at]?.item && this.#lines[this.#at]?.indent === next.indent) {
        list.push(this.map(next.indent));
      }
      return list;
    }
    if (next && !next.item && next.indent > indent) return this.map(next.indent);
    // A key without a value is null; the full parser handles that.
    this.#broken = true;
    return undefined;
  }
}
