/** Command line flags like pflag's: `--name value`, `--name=value`, `-n value`, `-nvalue`, `-it`, `--`. */

export interface FlagSpec {
  /** Without dashes. */
  long: string;
  short?: string;
  /** `optional` takes a value only after `=`; without one it is `implied`. */
  type: "string" | "boolean" | "list" | "int" | "optional";
  implied?: string;
  help: string;
  /** Not shown by `--help`. */
  hidden?: boolean;
}

export type FlagValue = string | boolean | number | string[];

export interface Parsed {
  flags: Flags;
  args: string[];
  /** The arguments after `--`; undefined without one. */
  rest: string[] | undefined;
}

/** Invalid usage: exit code 2 for `wherry`, 1 for `wherry kubectl` as in kubectl. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

export class Flags {
  private readonly values: ReadonlyMap<string, FlagValue>;
  constructor(values: ReadonlyMap<string, FlagValue>) {
    this.values = values;
  }
  has(name: string): boolean {
    return this.values.has(name);
  }
  text(name: string): string | undefined {
    const value = this.values.get(name);
    return typeof value === "string" ? value : undefined;
  }
  on(name: string, otherwise = false): boolean {
    const value = this.values.get(name);
    return typeof value === "boolean" ? value : otherwise;
  }
  list(name: string): string[] {
    const value = this.values.get(name);
    return Array.isArray(value) ? value : [];
  }
  int(name: string): number | undefined {
    const value = this.values.get(name);
    return typeof value === "number" ? value : undefined;
  }
}

/**
 * Parses flags anywhere. With `stopAtArgument`, everything from the first argument on is an argument (for `kubectl exec POD
 * COMMAND --flag` and for finding a subcommand).
 */
export function parseFlags(
  argv: readonly string[],
  specs: readonly FlagSpec[],
  options: { stopAtArgument?: boolean } = {},
): Parsed {
  const words = new FlagParser(argv, specs);
  const args: string[] = [];
  for (let word = words.next(); word !== undefined; word = words.next()) {
    if (word === "--") return { flags: words.flags(), args, rest: words.rest() };
    if (word.startsWith("--")) words.long(word);
    else if (word.startsWith("-") && word.length > 1) words.short(word);
    else {
      args.push(word);
      if (options.stopAtArgument) args.push(...words.rest());
    }
  }
  return { flags: words.flags(), args, rest: undefined };
}

const takesValue = ({ type }: FlagSpec): boolean => type === "string" || type === "list" || type === "int";

class FlagParser {
  readonly #argv: readonly string[];
  readonly #byLong: ReadonlyMap<string, FlagSpec>;
  readonly #byShort: ReadonlyMap<string, FlagSpec>;
  readonly #values = new Map<string, FlagValue>();
  #at = 0;

  constructor(argv: readonly string[], specs: readonly FlagSpec[]) {
    this.#argv = argv;
    this.#byLong = new Map(specs.map((spec) => [spec.long, spec]));
    this.#byShort = new Map(specs.flatMap((spec) => (spec.short ? [[spec.short, spec] as const] : [])));
  }

  next(): string | undefined {
    return this.#argv[this.#at++];
  }

  /** The remaining words. */
  rest(): string[] {
    const rest = this.#argv.slice(this.#at);
    this.#at = this.#argv.length;
    return rest;
  }

  flags(): Flags {
    return new Flags(this.#values);
  }

  /** `--name`, `--name=value`, or `--name` before its value. */
  long(word: string): void {
    const equals = word.indexOf("=");
    const name = equals < 0 ? word.slice(2) : word.slice(2, equals);
    const spec = this.#byLong.get(name);
    if (!spec) throw new UsageError(`unknown flag: --${name}`);
    let raw = equals < 0 ? undefined : word.slice(equals + 1);
    if (raw === undefined && takesValue(spec)) {
      raw = this.next();
      if (raw === undefined) throw new UsageError(`flag needs an argument: --${name}`);
    }
    this.#set(spec, raw, `--${name}`);
  }

  /** `-n value`, `-nvalue`, `-n=value`, or several without values: `-it`. */
  short(word: string): void {
    let letters = word.slice(1);
    while (letters.length > 0) {
      const letter = letters[0] ?? "";
      const spec = this.#byShort.get(letter);
      if (!spec) throw new UsageError(`unknown shorthand flag: '${letter}' in ${word}`);
      letters = letters.slice(1);
      if (takesValue(spec)) {
        const raw = letters === "" ? this.next() : letters.replace(/^=/, "");
        if (raw === undefined) throw new UsageError(`flag needs an argument: '${letter}' in ${word}`);
        return this.#set(spec, raw, `-${letter}`);
      }
      if (letters.startsWith("=")) return this.#set(spec, letters.slice(1), `-${letter}`);
      this.#set(spec, undefined, `-${letter}`);
    }
  }

  /** `raw`: the value as typed; undefined without one. `shown`: the flag as typed. */
  #set(spec: FlagSpec, raw: string | undefined, shown: string): void {
    this.#values.set(spec.long, this.#valueOf(spec, raw, shown));
  }

  #valueOf(spec: FlagSpec, raw: string | undefined, shown: string): FlagValue {
    switch (spec.type) {
      case "boolean":
        if (raw !== undefined && !["true", "false", "1", "0"].includes(raw)) {
          throw new UsageError(`invalid argument "${raw}" for "${shown}" flag: want true or false`);
        }
        return raw === undefined || raw === "true" || raw === "1";
      case "int":
        if (!/^[+-]?\d+$/.test(raw ?? "")) {
          throw new UsageError(`invalid argument "${raw}" for "${shown}" flag: want a whole number`);
        }
        return Number(raw);
      case "list": {
        const before = this.#values.get(spec.long);
        return [...(Array.isArray(before) ? before : []), raw ?? ""];
      }
      case "optional":
        return raw ?? spec.implied ?? "";
      case "string":
        return raw ?? "";
    }
  }
}

/** Flags for `--help`, aligned. */
export function flagHelp(all: readonly FlagSpec[]): string {
  const specs = all.filter(({ hidden }) => !hidden);
  const left = specs.map((spec) => {
    const value =
      spec.type === "boolean" ? "" : spec.type === "optional" ? `[=${spec.implied ?? ""}]` : "=VALUE";
    return `  ${spec.short ? `-${spec.short}, ` : "    "}--${spec.long}${value}`;
  });
  const width = Math.max(0, ...left.map((text) => text.length));
  return specs.map((spec, at) => `${(left[at] ?? "").padEnd(width + 2)}${spec.help}`).join("\n");
}
