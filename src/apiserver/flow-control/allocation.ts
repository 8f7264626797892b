/** Divides the seats among levels that can lend to one another (KEP-1040, "dispatching"). */

/** Bounds and target of a level. */
export interface Wish {
  lower: number;
  upper: number;
  /** At least `lower`. */
  target: number;
}

export interface Allocation {
  /** In the order of the wishes; fractional. */
  seats: number[];
  /** Each level gets this times its target, within its bounds. */
  proportion: number;
}

/** Avoids division by zero. */
const leastTarget = 0.001;
const tolerance = 1e-7;

/** Divides `total`; undefined when the bounds make it impossible. */
export function allocate(total: number, wishes: readonly Wish[]): Allocation | undefined {
  const targets = wishes.map(({ target }) => Math.max(target, leastTarget));
  const share = (i: number, proportion: number): number => {
    const { lower, upper } = wishes[i] as Wish;
    return Math.max(lower, Math.min(upper, proportion * (targets[i] as number)));
  };
  const sumAt = (proportion: number): number => wishes.reduce((sum, _, i) => sum + share(i, proportion), 0);
  if (wishes.some(({ lower, upper, target }) => lower < 0 || target < lower || upper < lower))
    return undefined;
  // Between these proportions the sum is linear.
  const turns = wishes
    .flatMap(({ lower, upper }, i) => [lower / (targets[i] as number), upper / (targets[i] as number)])
    .sort((a, b) => a - b);
  const first = turns[0] ?? 0;
  const last = turns.at(-1) ?? 0;
  if (total < sumAt(first) - tolerance || total > sumAt(last) + tolerance) return undefined;
  let proportion = first;
  let sum = sumAt(first);
  for (const turn of turns) {
    if (sum >= total - tolerance) break;
    const next = sumAt(turn);
    if (next >= total) {
      proportion += ((turn - proportion) * (total - sum)) / (next - sum);
      break;
    }
    proportion = turn;
    sum = next;
  }
  return { seats: wishes.map((_, i) => share(i, proportion)), proportion };
}
