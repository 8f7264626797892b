/** An index of the names that definitions hold. */
import type { CustomResourceDefinitionNames } from "../../api/index.ts";
import { Multimap } from "../../machinery/index.ts";

type Holders = Multimap<string, string>;

/** Names are those of a group; those in paths and those in bodies do not meet. */
export class HeldNames {
  /** Plural, singular and short names by holder. */
  readonly #resources: Holders = new Multimap();
  /** Kinds and list kinds likewise. */
  readonly #kinds: Holders = new Multimap();
  readonly #lettingGo = new Map<string, () => void>();

  /** Replaces the names of the holder. */
  hold(holder: string, group: string, names: CustomResourceDefinitionNames): void {
    this.release(holder);
    const { plural, singular, shortNames, kind, listKind } = names;
    const parts: [Holders, string][] = [
      ...keysOf(group, [plural, singular, ...(shortNames ?? [])]).map((key): (typeof parts)[number] => [
        this.#resources,
        key,
      ]),
      ...keysOf(group, [kind, listKind]).map((key): (typeof parts)[number] => [this.#kinds, key]),
    ];
    for (const [table, key] of parts) table.add(key, holder);
    this.#lettingGo.set(holder, () => {
      for (const [table, key] of parts) table.delete(key, holder);
    });
  }

  release(holder: string): void {
    this.#lettingGo.get(holder)?.();
    this.#lettingGo.delete(holder);
  }

  /** True when another holder has it as a plural, singular or short name. */
  hasResource(group: string, name: string, except: string): boolean {
    return isHeld(this.#resources.get(keyOf(group, name)), except);
  }

  /** True when another holder has it as a kind or list kind. */
  hasKind(group: string, name: string, except: string): boolean {
    return isHeld(this.#kinds.get(keyOf(group, name)), except);
  }
}

/** No group has a slash. */
const keyOf = (group: string, name: string): string => `${group}/${name}`;

const keysOf = (group: string, names: readonly (string | undefined)[]): string[] =>
  names.flatMap((name) => (name ? [keyOf(group, name)] : []));

const isHeld = (holders: ReadonlySet<string>, except: string): boolean =>
  holders.size > (holders.has(except) ? 1 : 0);
