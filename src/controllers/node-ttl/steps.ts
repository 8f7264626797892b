/** How long kubelets may cache Secrets and ConfigMaps: longer in larger clusters. */
interface Step {
  /** Fewer nodes lead to the step before, more to the next one. The ranges overlap, so that a few nodes do not change it. */
  least: number;
  most: number;
  seconds: number;
}

const steps: readonly Step[] = [
  { least: 0, most: 100, seconds: 0 },
  { least: 90, most: 500, seconds: 15 },
  { least: 450, most: 1000, seconds: 30 },
  { least: 900, most: 2000, seconds: 60 },
  { least: 1800, most: Infinity, seconds: 300 },
];

/** The step for this many nodes, after `step`. */
export function stepAfter(step: number, nodes: number): number {
  let at = step;
  while (nodes > (steps[at] as Step).most) at++;
  while (nodes < (steps[at] as Step).least) at--;
  return at;
}

export const secondsOf = (step: number): number => (steps[step] as Step).seconds;
