import type { KubeObject } from "../../api/index.ts";

/** The name of the class marked as default: the newest, when several are. */
export function newestMarked(classes: readonly KubeObject[], mark: string): string | undefined {
  const made = (each: KubeObject): number => Date.parse(each.metadata?.creationTimestamp ?? "");
  const [found] = classes
    .filter((each) => each.metadata?.annotations?.[mark] === "true")
    .sort((a, b) => made(b) - made(a) || ((a.metadata?.name ?? "") < (b.metadata?.name ?? "") ? -1 : 1));
  return found?.metadata?.name;
}
