/** How many watches a write notifies: the more, the longer its seats are held. */
import type { RequestInfo } from "../contract.ts";

/** Field selectors with an index: a change notifies few of their watches. */
const indexed: Readonly<Record<string, RegExp>> = { pods: /(?:^|,)spec\.nodeName==?[^,]+/ };

export class WatchCounts {
  readonly #counts = new Map<string, number>();

  /** A watch begins. Call the returned function when it ends. */
  begin({ apiGroup, resource, namespace, name, query }: RequestInfo): () => void {
    if (indexed[resource]?.test(query.get("fieldSelector") ?? "")) return () => {};
    const key = `${apiGroup}/${resource}/${namespace}/${name}`;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    let over = false;
    return () => {
      if (over) return;
      over = true;
      const left = (this.#counts.get(key) ?? 1) - 1;
      if (left === 0) this.#counts.delete(key);
      else this.#counts.set(key, left);
    };
  }

  /** Watches of the resource, the namespace and the object. */
  interestedIn({ apiGroup, resource, namespace, name }: RequestInfo): number {
    if (this.#counts.size === 0) return 0;
    const of = (space: string, one: string): number =>
      this.#counts.get(`${apiGroup}/${resource}/${space}/${one}`) ?? 0;
    let count = of("", "");
    if (namespace !== "") count += of(namespace, "");
    if (name !== "") count += of(namespace, name);
    return count;
  }
}
