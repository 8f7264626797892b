/** What a bench found, and how it is shown. */

export interface Row {
  what: string;
  unit: string;
  /** At most so much. */
  goal?: number;
  wherry: number;
  /** The original's figure, where it was asked too. */
  peer?: number;
  /** What must be known to read the figure. */
  note?: string;
}

const shown = (value: number | undefined): string => {
  if (value === undefined) return "";
  if (Number.isNaN(value)) return "?";
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
};

/** A table in Markdown. The ratio is the original's figure over wherry's: more is better. */
export function table(rows: readonly Row[]): string {
  const lines = rows.map(({ what, unit, goal, wherry, peer, note }) => {
    const ratio = peer === undefined || wherry === 0 ? "" : shown(peer / wherry);
    const missed = goal !== undefined && !(wherry <= goal) ? " (missed)" : "";
    const cells = [
      note ? `${what} (${note})` : what,
      unit,
      shown(wherry),
      shown(goal) + missed,
      shown(peer),
      ratio,
    ];
    return `| ${cells.join(" | ")} |`;
  });
  return [
    "| what | unit | wherry | goal | kube-apiserver | ratio |",
    "| --- | --- | --- | --- | --- | --- |",
    ...lines,
  ].join("\n");
}
