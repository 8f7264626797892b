import type { Diagnosis } from "./decide.ts";

/** The message that users and tools know: `0/3 nodes are available: 1 Insufficient cpu, 2 ...`. */
export function failureMessage(diagnosis: Diagnosis, preemption: string): string {
  if (diagnosis.nodes === 0) return "no nodes available to schedule pods";
  const why = diagnosis.overall
    ? diagnosis.overall.reasons.join(", ")
    : histogram([...diagnosis.perNode.values()].map((refusal) => refusal.reasons));
  const parts = [`0/${diagnosis.nodes} nodes are available:`];
  if (why) parts.push(`${why}.`);
  if (preemption) parts.push(preemption);
  return parts.join(" ");
}

/** The addition of preemption: one reason per node. */
export function preemptionMessage(nodes: number, reasons: readonly string[]): string {
  return `preemption: 0/${nodes} nodes are available: ${histogram(reasons.map((reason) => [reason]))}.`;
}

function histogram(lists: readonly (readonly string[])[]): string {
  const counts = new Map<string, number>();
  for (const list of lists) for (const reason of list) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return [...counts]
    .map(([reason, count]) => `${count} ${reason}`)
    .sort()
    .join(", ");
}
