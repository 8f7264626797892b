import { posix } from "node:path";
import { DockerfileError } from "./dockerfile-error.ts";
import { patternExpression } from "./pattern.ts";
import { WordError } from "./words.ts";

/** Patterns of a .dockerignore. Paths are relative to the context, without a leading slash. */
export interface IgnoreRules {
  ignores(path: string): boolean;
  /** True when nothing below the directory can be re-included, so it is skipped. */
  readonly final: boolean;
}

export const ignoreNothing: IgnoreRules = { ignores: () => false, final: true };

/**
 * One pattern per line; `#` begins a comment line, `!` re-includes, the last matching pattern decides. A pattern that matches a
 * directory matches everything below it.
 */
export function parseIgnore(source: string, file: string): IgnoreRules {
  const rules: { keep: boolean; expression: RegExp }[] = [];
  for (const [index, raw] of source
    .replace(/^\uFEFF/, "")
    .split(/\r?\n/)
    .entries()) {
    if (raw.startsWith("#")) continue;
    let pattern = raw.trim();
    const keep = pattern.startsWith("!");
    if (keep) pattern = pattern.slice(1).trim();
    if (pattern === "") {
      if (keep) throw new DockerfileError(file, index + 1, 'a "!" without a pattern');
      continue;
    }
    const clean = posix.normalize(pattern).replace(/^\/+/, "").replace(/\/+$/, "");
    if (clean === "") continue;
    try {
      // "." is the context itself: everything.
      rules.push({ keep, expression: clean === "." ? /^/ : patternExpression(clean, true) });
    } catch (error) {
      if (error instanceof WordError) throw new DockerfileError(file, index + 1, error.message);
      throw error;
    }
  }
  if (rules.length === 0) return ignoreNothing;
  return {
    final: rules.every((rule) => !rule.keep),
    ignores(path) {
      const prefixes: string[] = [];
      for (let at = path.indexOf("/"); at >= 0; at = path.indexOf("/", at + 1))
        prefixes.push(path.slice(0, at));
      prefixes.push(path);
      let ignored = false;
      for (const { keep, expression } of rules) {
        if (ignored === keep && prefixes.some((prefix) => expression.test(prefix))) ignored = !keep;
      }
      return ignored;
    },
  };
}
