/** Range of a cost or size that is unknown before an expression runs. */

export interface Range {
  readonly min: number;
  readonly max: number;
}

/** The maximum, 64 bits unsigned in Go, where sums and products saturate. */
export const most = 2 ** 64;

/** Per character read (cel-go common.StringTraversalCostFactor). */
export const letterCost = 0.1;
/** Per character of a regular expression (cel-go common.RegexStringLengthCostFactor). */
export const patternCost = 0.25;

export const exactly = (value: number): Range => ({ min: value, max: value });
export const nothing = exactly(0);
export const one = exactly(1);
export const unknown: Range = { min: 0, max: most };

export const sum = (...ranges: readonly Range[]): Range => ({
  min: Math.min(
    most,
    ranges.reduce((all, { min }) => all + min, 0),
  ),
  max: Math.min(
    most,
    ranges.reduce((all, { max }) => all + max, 0),
  ),
});

export const product = (a: Range, b: Range): Range => ({
  min: Math.min(most, a.min * b.min),
  max: Math.min(most, a.max * b.max),
});

/** Rounded up to whole units. */
export const scaled = (range: Range, factor: number): Range => ({
  min: Math.min(most, Math.ceil(range.min * factor)),
  max: Math.min(most, Math.ceil(range.max * factor)),
});

/** The range that includes both. */
export const either = (a: Range, b: Range): Range => ({
  min: Math.min(a.min, b.min),
  max: Math.max(a.max, b.max),
});
