/** Sets of completion indexes, formatted as in a Job's status: `1,3-5,7`. */

/** The indexes below `limit` in `text`; invalid parts are ignored. */
export function parseIndexes(text: string | undefined, limit = Number.MAX_SAFE_INTEGER): Set<number> {
  const found = new Set<number>();
  for (const part of (text ?? "").split(",")) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part.trim());
    if (!match) continue;
    const from = Number(match[1]);
    const to = Math.min(Number(match[2] ?? match[1]), limit - 1);
    for (let index = from; index <= to; index++) found.add(index);
  }
  return found;
}

/** Ascending; three or more consecutive indexes become a range, two do not. */
export function formatIndexes(indexes: Iterable<number>): string {
  const sorted = [...indexes].sort((a, b) => a - b);
  const parts: string[] = [];
  for (let i = 0; i < sorted.length; ) {
    let end = i;
    while (end + 1 < sorted.length && sorted[end + 1] === (sorted[end] as number) + 1) end++;
    const [first, last] = [sorted[i] as number, sorted[end] as number];
    if (end === i) parts.push(String(first));
    else parts.push(`${first}${end === i + 1 ? "," : "-"}${last}`);
    i = end + 1;
  }
  return parts.join(",");
}
