/** A mistake in an expression, found before it runs. */
export class CelCompileError extends Error {
  override readonly name = "CelCompileError";
}

/** What an expression says instead of a value; `||` and `&&` may take it back. */
export class CelEvaluationError extends Error {
  override readonly name = "CelEvaluationError";
}

/** The budget is used up: nothing takes it back. */
export class CelCostError extends CelEvaluationError {
  constructor() {
    super("operation cancelled: actual cost limit exceeded");
  }
}

export const noSuchOverload = (): CelEvaluationError => new CelEvaluationError("no such overload");

export interface Problem {
  /** Offset into the source, in UTF-16 units. */
  at: number;
  text: string;
}

/** Source lines with a caret below the mistake, as cel-go prints them; columns count code points. */
export function problemsText(source: string, problems: readonly Problem[]): string {
  // There is no place in nothing.
  if (source === "") return problems.map(({ text }) => `ERROR: <input>:1:0: ${text}`).join("\n");
  return problems
    .map(({ at, text }) => {
      const before = source.slice(0, at);
      const lineStart = before.lastIndexOf("\n") + 1;
      const number = before.split("\n").length;
      const end = source.indexOf("\n", at);
      const line = source.slice(lineStart, end < 0 ? undefined : end);
      const lead = [...source.slice(lineStart, at)];
      // A wide letter gets a wide dot, and a wide caret when it is what the mistake is about.
      const wide = (letter: string): boolean => (letter.codePointAt(0) ?? 0) > 0x7f;
      const dots = lead.map((letter) => (wide(letter) ? "．" : ".")).join("");
      const here = String.fromCodePoint(source.codePointAt(at) ?? 0x20);
      return `ERROR: <input>:${number}:${lead.length + 1}: ${text}\n | ${line.replaceAll("\t", " ")}\n | ${dots}${wide(here) ? "＾" : "^"}`;
    })
    .join("\n");
}
