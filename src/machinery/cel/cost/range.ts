/** Least and greatest of a cost or a size that is not known before an expression runs. */

export interface Range {
  readonly min: number;
  readonly max: number;
}

/** More than anything can cost: what Go's unsigned 64 bits hold. Sums and products stop there. */
export const most = 2 ** 64;

/** Of each letter that is read (cel-go common.StringTraversalCostFactor). */
export const letterCost = 0.1;
/** Of each letter of a regular expression (cel-go common.RegexStringLengthCostFactor). */
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

/** Rounded up: there are no parts of a unit. */
export const scaled = (range: Range, factor: number): Range => ({
  min: Math.min(most, Math.ceil(range.min * factor)),
  max: Math.min(most, Math.ceil(range.max * factor)),
});

/** What holds both. */
export const either = (a: Range, b: Range): Range => ({
  min: Math.min(a.min, b.min),
  max: Math.max(a.max, b.max),
});
