/** Splits the cluster's range of pod addresses (IPv4) into ranges of nodes. */

/** Prefix length of a node's range; Kubernetes' default for IPv4 (--node-cidr-mask-size). */
export const nodePrefix = 24;

interface Range {
  first: number;
  size: number;
}

/** Undefined for what is not an IPv4 range. */
function rangeOf(cidr: string): Range | undefined {
  const [, a, b, c, d, prefix] = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\/(\d+)$/.exec(cidr) ?? [];
  if (prefix === undefined) return undefined;
  const address = [a, b, c, d].reduce((sum, part) => sum * 256 + Number(part), 0);
  const size = 2 ** (32 - Number(prefix));
  return { first: address - (address % size), size };
}

const overlap = (a: Range, b: Range): boolean => a.first < b.first + b.size && b.first < a.first + a.size;

/** The first range for a node that overlaps with none of `taken`; undefined when there is none left. */
export function freeRange(cluster: string, taken: readonly string[]): string | undefined {
  const whole = rangeOf(cluster);
  if (!whole) return undefined;
  const size = 2 ** (32 - nodePrefix);
  const used = taken.flatMap((cidr) => rangeOf(cidr) ?? []).sort((a, b) => a.first - b.first);
  let next = 0;
  for (let { first } = whole; first + size <= whole.first + whole.size; first += size) {
    while (next < used.length && (used[next] as Range).first + (used[next] as Range).size <= first) next++;
    const nearest = used[next];
    if (nearest && overlap(nearest, { first, size })) continue;
    return `${[24, 16, 8, 0].map((shift) => (first / 2 ** shift) & 255).join(".")}/${nodePrefix}`;
  }
  return undefined;
}
