import type { NodeSelector, NodeSelectorRequirement, NodeSelectorTerm } from "../generated/types.ts";

/** The node metadata that selectors use. */
export interface SelectedNode {
  name?: string;
  labels?: Readonly<Record<string, string>>;
}

/** True when any term matches; without terms nothing matches (core/v1 NodeSelector). */
export function matchesNodeSelector(selector: NodeSelector, node: SelectedNode): boolean {
  return selector.nodeSelectorTerms.some((term) => matchesNodeSelectorTerm(term, node));
}

/** All expressions and all fields must match; an empty term matches nothing. */
export function matchesNodeSelectorTerm(term: NodeSelectorTerm, node: SelectedNode): boolean {
  const expressions = term.matchExpressions ?? [];
  const fields = term.matchFields ?? [];
  if (expressions.length === 0 && fields.length === 0) return false;
  const labels = node.labels ?? {};
  return (
    expressions.every((requirement) => matchesRequirement(requirement, labels[requirement.key])) &&
    fields.every((requirement) =>
      matchesRequirement(requirement, requirement.key === "metadata.name" ? node.name : undefined),
    )
  );
}

function matchesRequirement(requirement: NodeSelectorRequirement, value: string | undefined): boolean {
  const values = requirement.values ?? [];
  switch (requirement.operator) {
    case "In":
      return value !== undefined && values.includes(value);
    case "NotIn":
      return value === undefined || !values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
    case "Gt":
      return compareInts(value, values[0], (a, b) => a > b);
    case "Lt":
      return compareInts(value, values[0], (a, b) => a < b);
    default:
      return false;
  }
}

function compareInts(
  left: string | undefined,
  right: string | undefined,
  holds: (a: bigint, b: bigint) => boolean,
): boolean {
  const integer = /^[+-]?\d+$/;
  if (left === undefined || right === undefined || !integer.test(left) || !integer.test(right)) return false;
  return holds(BigInt(left), BigInt(right));
}
