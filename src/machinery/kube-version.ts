/** Order of API versions: v10, v2, v1, v11beta2, v3beta1, v12alpha1, then whatever is not of this form, by the alphabet. */

interface Parts {
  stage: number;
  major: number;
  minor: number;
}

const stages = ["alpha", "beta", ""];

function parse(version: string): Parts | undefined {
  const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version);
  if (!match) return undefined;
  return { stage: stages.indexOf(match[2] ?? ""), major: Number(match[1]), minor: Number(match[3] ?? 0) };
}

/** Negative when `a` is the more mature or newer one, which comes first. */
export function compareKubeVersions(a: string, b: string): number {
  if (a === b) return 0;
  const left = parse(a);
  const right = parse(b);
  if (!left && !right) return a < b ? -1 : 1;
  if (!left) return 1;
  if (!right) return -1;
  return right.stage - left.stage || right.major - left.major || right.minor - left.minor;
}
