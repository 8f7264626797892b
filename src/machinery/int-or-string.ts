/** Numbers that may be percentages (maxSurge, maxUnavailable, PodDisruptionBudget). */

/** The count of `value` out of `total`: a number as it is, `"25%"` of the total. Throws a RangeError for other strings. */
export function scaledValue(value: number | string, total: number, roundUp: boolean): number {
  if (typeof value === "number") return value;
  const match = /^(\d+)%$/.exec(value);
  if (!match) throw new RangeError(`invalid value for IntOrString: invalid type: string is not a percentage`);
  const exact = (Number(match[1]) * total) / 100;
  return roundUp ? Math.ceil(exact) : Math.floor(exact);
}

/** True for `"25%"`. */
export const isPercent = (value: unknown): value is string =>
  typeof value === "string" && /^[0-9]+%$/.test(value);
