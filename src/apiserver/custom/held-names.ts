/** Who holds which names, so that nobody looks through all definitions for them. */
import type { CustomResourceDefinitionNames } from "../../api/index.ts";

/** Names of one group: those in paths and those in bodies do not meet. */
interface Group {
  /** Plural, singular and short names to their holders. */
  resources: Map<string, Set<string>>;
  /** Kinds and kinds of lists likewise. */
  kinds: Map<string, Set<string>>;
}

export class HeldNames {
  readonly #groups = new Map<string, Group>();
  readonly #lettingGo = new Map<string, () => void>();

  /** From now on the holder has these names and no others. */
  hold(holder: string, group: string, names: CustomResourceDefinitionNames): void {
    this.release(holder);
    const { resources, kinds } = this.#group(group);
    const { plural, singular, shortNames, kind, listKind } = names;
    const parts: [Group["kinds"], string | undefined][] = [
      ...[plural, singular, ...(shortNames ?? [])].map((name): (typeof parts)[number] => [resources, name]),
      ...[kind, listKind].map((name): (typeof parts)[number] => [kinds, name]),
    ];
    for (const [table, name] of parts) if (name) add(table, name, holder);
    this.#lettingGo.set(holder, () => {
      for (const [table, name] of parts) if (name) remove(table, name, holder);
    });
  }

  release(holder: string): void {
    this.#lettingGo.get(holder)?.();
    this.#lettingGo.delete(holder);
  }

  /** True when somebody else has it as a plural, singular or short name. */
  hasResource(group: string, name: string, except: string): boolean {
    return isHeld(this.#groups.get(group)?.resources.get(name), except);
  }

  /** True when somebody else has it as a kind or a kind of lists. */
  hasKind(group: string, name: string, except: string): boolean {
    return isHeld(this.#groups.get(group)?.kinds.get(name), except);
  }

  #group(name: string): Group {
    let group = this.#groups.get(name);
    if (!group) {
      group = { resources: new Map(), kinds: new Map() };
      this.#groups.set(name, group);
    }
    return group;
  }
}

const isHeld = (holders: ReadonlySet<string> | undefined, except: string): boolean =>
  holders !== undefined && holders.size > (holders.has(except) ? 1 : 0);

function add(table: Map<string, Set<string>>, name: string, holder: string): void {
  const holders = table.get(name);
  if (holders) holders.add(holder);
  else table.set(name, new Set([holder]));
}

function remove(table: Map<string, Set<string>>, name: string, holder: string): void {
  const holders = table.get(name);
  holders?.delete(holder);
  if (holders?.size === 0) table.delete(name);
}
