/** Command line flags in the manner of pflag: `--name value`, `--name=value`, `-n value`, `-nvalue`, `-it`, `--`. */

export interface FlagSpec {
  /** Without dashes. */
  long: string;
  short?: string;
  /** `optional` takes a value only after `=`; without one it means `implied`. */
  type: "string" | "boolean" | "list" | "int" | "optional";
  implied?: string;
  help: string;
}

export type FlagValue = string | boolean | number | string[];

export interface Parsed {
  flags: Flags;
  args: string[];
  /** What stood behind `--`; undefined when there was none. */
  rest: string[] | undefined;
}

/** A mistake in how the command was typed: exit code 2 for `wherry`, 1 for `wherry kubectl` as in the original. */
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
 * Reads flags wherever they stand. With `stopAtArgument` everything from the first argument on is an argument (for
 * `kubectl exec POD COMMAND --flag` and for finding a subcommand).
 */
export function parseFlags(
  argv: readonly string[],
  specs: readonly FlagSpec[],
  options: { stopAtArgument?: boolean } = {},
): Parsed {
  const byLong = new Map(specs.map((spec) => [spec.long, spec]));
  const byShort = new Map(specs.flatMap((spec) => (spec.short ? [[spec.short, spec] as const] : [])));
  const values = new Map<string, FlagValue>();
  const args: string[] = [];
  let rest: string[] | undefined;

  const set = (spec: FlagSpec, raw: string | undefined, shown: string): void => {
    switch (spec.type) {
      case "boolean": {
        if (raw !== undefined && !["true", "false", "1", "0"].includes(raw)) {
          throw new UsageError(`invalid argument "${raw}" for "${shown}" flag: want true or false`);
        }
        values.set(spec.long, raw === undefined || raw === "true" || raw === "1");
        return;
      }
      case "int": {
        if (!/^[+-]?\d+$/.test(raw ?? "")) {
          throw new UsageError(`invalid argument "${raw}" for "${shown}" flag: want a whole number`);
        }
        values.set(spec.long, Number(raw));
        return;
      }
      case "list": {
        const before = values.get(spec.long);
        values.set(spec.long, [...(Array.isArray(before) ? before : []), raw ?? ""]);
        return;
      }
      case "optional":
        values.set(spec.long, raw ?? spec.implied ?? "");
        return;
      case "string":
        values.set(spec.long, raw ?? "");
    }
  };
  const takesNext = (spec: FlagSpec): boolean =>
    spec.type === "string" || spec.type === "list" || spec.type === "int";

  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] ?? "";
    if (word === "--") {
      rest = argv.slice(at + 1);
      break;
    }
    if (word.startsWith("--")) {
      const equals = word.indexOf("=");
      const name = equals < 0 ? word.slice(2) : word.slice(2, equals);
      const spec = byLong.get(name);
      if (!spec) throw new UsageError(`unknown flag: --${name}`);
      let raw = equals < 0 ? undefined : word.slice(equals + 1);
      if (raw === undefined && takesNext(spec)) {
        raw = argv[++at];
        if (raw === undefined) throw new UsageError(`flag needs an argument: --${name}`);
      }
      set(spec, raw, `--${name}`);
    } else if (word.startsWith("-") && word.length > 1) {
      let letters = word.slice(1);
      while (letters.length > 0) {
        const letter = letters[0] ?? "";
        const spec = byShort.get(letter);
        if (!spec) throw new UsageError(`unknown shorthand flag: '${letter}' in ${word}`);
        letters = letters.slice(1);
        if (takesNext(spec)) {
          const raw = letters === "" ? argv[++at] : letters.replace(/^=/, "");
          if (raw === undefined) throw new UsageError(`flag needs an argument: '${letter}' in ${word}`);
          set(spec, raw, `-${letter}`);
          break;
        }
        if (letters.startsWith("=")) {
          set(spec, letters.slice(1), `-${letter}`);
          break;
        }
        set(spec, undefined, `-${letter}`);
      }
    } else {
      args.push(word);
      if (options.stopAtArgument) {
        args.push(...argv.slice(at + 1));
        break;
      }
    }
  }
  return { flags: new Flags(values), args, rest };
}

/** Flags for `--help`, aligned. */
export function flagHelp(specs: readonly FlagSpec[]): string {
  const left = specs.map((spec) => {
    const value =
      spec.type === "boolean" ? "" : spec.type === "optional" ? `[=${spec.implied ?? ""}]` : "=VALUE";
    return `  ${spec.short ? `-${spec.short}, ` : "    "}--${spec.long}${value}`;
  });
  const width = Math.max(0, ...left.map((text) => text.length));
  return specs.map((spec, at) => `${(left[at] ?? "").padEnd(width + 2)}${spec.help}`).join("\n");
}
