/**
 * Kubernetes' order of versions: stable before beta before alpha, the higher first; what is no such version comes last, in
 * alphabetical order.
 */
export function compareVersions(a: string, b: string): number {
  const left = rank(a);
  const right = rank(b);
  if (!left || !right) return left ? -1 : right ? 1 : a < b ? -1 : a > b ? 1 : 0;
  for (let i = 0; i < left.length; i++) {
    const order = (right[i] as number) - (left[i] as number);
    if (order !== 0) return order;
  }
  return 0;
}

function rank(version: string): [stability: number, major: number, minor: number] | undefined {
  const found = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version);
  if (!found) return undefined;
  const [, major, stage, minor] = found;
  return [stage === undefined ? 2 : stage === "beta" ? 1 : 0, Number(major), Number(minor ?? 0)];
}
