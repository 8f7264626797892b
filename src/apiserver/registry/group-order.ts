import { compareKubeVersions } from "../../machinery/index.ts";
import { type Priority, priorityOf } from "./priorities.ts";

/** The preferred order of groups and versions. */
export interface GroupOrder {
  compareVersions(group: string, a: string, b: string): number;
  /** Groups with their versions. */
  compareGroups(a: readonly [string, readonly string[]], b: readonly [string, readonly string[]]): number;
}

/** By descending priority, then newer versions, then groups alphabetically. */
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
