/** A compile-time error of an expression. */
export class CelCompileError extends Error {
  override readonly name = "CelCompileError";
}

/** A run-time error of an expression; `||` and `&&` may absorb it. */
export class CelEvaluationError extends Error {
  override readonly name = "CelEvaluationError";
}

/** The budget is exhausted: nothing absorbs it. */
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

/** Further problems are counted but not reported. */
export const maxProblems = 100;
/** Longer lines are not shown, in bytes. */
const maxShownBytes = 16_384;

/** The reported problems: first ones in source order. */
export function problemsText(source: string, problems: readonly Problem[]): string {
  // An empty source has no positions.
  if (source === "") return problems.map(({ text }) => `ERROR: <input>:1:0: ${text}`).join("\n");
  const told = problems
    .toSorted((left, right) => left.at - right.at)
    .slice(0, maxProblems)
    .map((each) => problemText(source, each));
  const more = problems.length - told.length;
  if (more > 0) told.push(`${more} more errors were truncated`);
  return told.join("\n");
}

/** The line with a caret below the problem, as printed by cel-go; columns count code points. */
function problemText(source: string, { at, text }: Problem): string {
  const before = source.slice(0, at);
  const lineStart = before.lastIndexOf("\n") + 1;
  const number = before.split("\n").length;
  const end = source.indexOf("\n", at);
  const line = source.slice(lineStart, end < 0 ? undefined : end);
  const lead = source.slice(lineStart, at);
  // Wide characters get wide dots and carets.
  const dots = lead.replace(/[^\0-\x7f]/gu, "．").replace(/[\0-\x7f]/g, ".");
  const place = `ERROR: <input>:${number}:${dots.length + 1}: ${text}`;
  if (new TextEncoder().encode(line).length > maxShownBytes) return place;
  const caret = (source.codePointAt(at) ?? 0x20) > 0x7f ? "＾" : "^";
  return `${place}\n | ${line.replaceAll("\t", " ")}\n | ${dots}${caret}`;
}
