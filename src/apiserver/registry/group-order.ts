import { compareKubeVersions } from "../../machinery/index.ts";
import { type Priority, priorityOf } from "./priorities.ts";

/** Which groups and versions clients should prefer. */
export interface GroupOrder {
  compareVersions(group: string, a: string, b: string): number;
  /** Each with the versions it has. */
  compareGroups(a: readonly [string, readonly string[]], b: readonly [string, readonly string[]]): number;
}

/** Higher priorities come first, then newer versions, and groups by the alphabet. */
export function orderBy(priority: (group: string, version: string) => Priority): GroupOrder {
  const best = (group: string, versions: readonly string[]): number =>
    Math.max(...versions.map((version) => priority(group, version).group));
  return {
    compareVersions: (group, a, b) =>
      priority(group, b).version - priority(group, a).version || compareKubeVersions(a, b),
    compareGroups: ([a, versionsOfA], [b, versionsOfB]) =>
      best(b, versionsOfB) - best(a, versionsOfA) || (a < b ? -1 : a > b ? 1 : 0),
  };
}

export const builtInOrder = orderBy(priorityOf);
