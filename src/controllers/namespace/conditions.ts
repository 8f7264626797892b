import type { NamespaceCondition } from "../../api/index.ts";
import { formatTime } from "../../machinery/index.ts";

/** What blocks the deletion of a namespace. */
export interface Obstacles {
  discovery: readonly { groupVersion: string; error: Error }[];
  /** Failed deletions, and those that wait for pods. */
  content: readonly string[];
  /** Remaining objects by resource. */
  remaining: readonly { resource: string; group: string; count: number }[];
  /** Remaining objects by finalizer. */
  finalizers: ReadonlyMap<string, number>;
}

export const noObstacles: Obstacles = { discovery: [], content: [], remaining: [], finalizers: new Map() };

/** The five conditions of a terminating namespace, with Kubernetes' texts. */
export function deletionConditions(
  before: readonly NamespaceCondition[] | undefined,
  obstacles: Obstacles,
  now: number,
): NamespaceCondition[] {
  const { discovery, content, remaining, finalizers } = obstacles;
  const groups = discovery.map(({ groupVersion, error }) => `${groupVersion}: ${error.message}`).join(", ");
  const left = [...remaining]
    .sort((a, b) => (a.resource < b.resource ? -1 : 1))
    .map(({ resource, group, count }) => `${resource}.${group} has ${count} resource instances`);
  const held = [...finalizers].sort().map(([name, count]) => `${name} in ${count} resource instances`);
  const wanted: [type: string, wrong: boolean, reason: [string, string], message: [string, string]][] = [
    [
      "NamespaceDeletionDiscoveryFailure",
      discovery.length > 0,
      ["DiscoveryFailed", "ResourcesDiscovered"],
      [
        `Discovery failed for some groups, ${discovery.length} failing: unable to retrieve the complete list of server APIs: ${groups}`,
        "All resources successfully discovered",
      ],
    ],
    [
      "NamespaceDeletionGroupVersionParsingFailure",
      false,
      ["GroupVersionParsingFailed", "ParsedGroupVersions"],
      ["", "All legacy kube types successfully parsed"],
    ],
    [
      "NamespaceDeletionContentFailure",
      content.length > 0,
      ["ContentDeletionFailed", "ContentDeleted"],
      [
        `Failed to delete all resource types, ${content.length} remaining: ${[...content].sort().join(", ")}`,
        "All content successfully deleted, may be waiting on finalization",
      ],
    ],
    [
      "NamespaceContentRemaining",
      left.length > 0,
      ["SomeResourcesRemain", "ContentRemoved"],
      [`Some resources are remaining: ${left.join(", ")}`, "All content successfully removed"],
    ],
    [
      "NamespaceFinalizersRemaining",
      held.length > 0,
      ["SomeFinalizersRemain", "ContentHasNoFinalizers"],
      [
        `Some content in the namespace has finalizers remaining: ${held.join(", ")}`,
        "All content-preserving finalizers finished",
      ],
    ],
  ];
  const ours = new Set(wanted.map(([type]) => type));
  const next = (before ?? []).filter((condition) => !ours.has(condition.type));
  for (const [type, wrong, reasons, messages] of wanted) {
    const status = wrong ? "True" : "False";
    const known = before?.find((condition) => condition.type === type);
    const since = known?.status === status ? known.lastTransitionTime : undefined;
    next.push({
      type,
      status,
      lastTransitionTime: since ?? formatTime(now),
      reason: wrong ? reasons[0] : reasons[1],
      message: wrong ? messages[0] : messages[1],
    });
  }
  return next;
}
