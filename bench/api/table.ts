/** Results of benchmarks, and their output. */

export interface Row {
  what: string;
  unit: string;
  /** The goal: at most this value. */
  goal?: number;
  wherry: number;
  /** Kubernetes' value, if measured. */
  peer?: number;
  /** A note on the value. */
  note?: string;
}

const shown = (value: number | undefined): string => {
  if (value === undefined) return "";
  if (Number.isNaN(value)) return "?";
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
};

/** A table in Markdown. The ratio is Kubernetes' value divided by wherry's: more is better. */
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
