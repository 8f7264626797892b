/**
 * An nftables table as data. Sets and maps have a fixed declaration per name (another declaration needs another name);
 * elements, chains and rules change.
 */
export interface TablePlan {
  /** Family and name, e.g. `inet wherry-main`. */
  readonly table: string;
  readonly sets: Map<string, SetPlan>;
  readonly chains: Map<string, ChainPlan>;
}

export interface SetPlan {
  kind: "set" | "map";
  /** E.g. `type ipv4_addr . inet_proto ;` */
  declaration: string;
  /** Key to value; "" in a set. Undefined: filled by the kernel (dynamic sets). */
  elements: Map<string, string> | undefined;
}

export interface ChainPlan {
  /** Base chains: `type nat hook output priority -100 ;` */
  hook?: string;
  rules: readonly string[];
}

export function emptyTable(table: string): TablePlan {
  return { table, sets: new Map(), chains: new Map() };
}

/** A script that replaces the table, whatever its state. In one transaction: there is no moment without rules. */
export function renderTable(plan: TablePlan): string {
  const reset = [`add table ${plan.table}`, `delete table ${plan.table}`, `add table ${plan.table}`];
  return `${[...reset, ...changeLines(emptyTable(plan.table), plan)].join("\n")}\n`;
}

/** The minimal script between two states; "" when they are equal. Dynamic sets keep their elements. */
export function renderChange(from: TablePlan, to: TablePlan): string {
  const lines = changeLines(from, to);
  return lines.length === 0 ? "" : `${lines.join("\n")}\n`;
}

/** nft runs commands in order: objects are created before their use, and unreferenced before their deletion. */
function changeLines(from: TablePlan, to: TablePlan): string[] {
  const t = to.table;
  const lines: string[] = [];
  const grouped = new Map<string, string[]>();
  for (const [name, set] of to.sets) {
    if (!from.sets.has(name)) lines.push(`add ${set.kind} ${t} ${name} { ${set.declaration} }`);
  }
  for (const [name, chain] of to.chains) {
    if (!from.chains.has(name)) lines.push(`add chain ${t} ${name}${chain.hook ? ` { ${chain.hook} }` : ""}`);
  }
  for (const [name, set] of from.sets) {
    const next = to.sets.get(name);
    const gone: string[] = [];
    for (const [key, value] of set.elements ?? []) if (next?.elements?.get(key) !== value) gone.push(key);
    if (gone.length > 0) lines.push(`delete element ${t} ${name} { ${gone.join(", ")} }`);
  }
  const rewritten: string[] = [];
  for (const [name, chain] of from.chains) {
    const next = to.chains.get(name);
    if (next && sameRules(chain.rules, next.rules)) continue;
    if (chain.rules.length > 0) lines.push(`flush chain ${t} ${name}`);
    if (next) rewritten.push(name);
  }
  for (const [name, chain] of to.chains) {
    if (from.chains.has(name) && !rewritten.includes(name)) continue;
    for (const rule of chain.rules) lines.push(`add rule ${t} ${name} ${rule}`);
  }
  for (const [name, set] of to.sets) {
    const old = from.sets.get(name)?.elements;
    const fresh: string[] = [];
    for (const [key, value] of set.elements ?? []) {
      if (old?.get(key) !== value) fresh.push(value === "" ? key : `${key} : ${value}`);
    }
    if (fresh.length > 0) grouped.set(name, fresh);
  }
  for (const [name, elements] of grouped) lines.push(`add element ${t} ${name} { ${elements.join(", ")} }`);
  for (const name of from.chains.keys()) if (!to.chains.has(name)) lines.push(`delete chain ${t} ${name}`);
  for (const [name, set] of from.sets) {
    if (!to.sets.has(name)) lines.push(`delete ${set.kind} ${t} ${name}`);
  }
  return lines;
}

function sameRules(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((rule, i) => rule === b[i]);
}
