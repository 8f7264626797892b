/** Decides which names a CustomResourceDefinition gets: the first to request them keeps them. Pure. */
import {
  approvalOf,
  type CrdCondition as Condition,
  type CustomResourceDefinition,
  type CustomResourceDefinitionNames,
  isBundle,
} from "../../api/index.ts";

export interface NamesVerdict {
  accepted: CustomResourceDefinitionNames;
  condition: Condition;
}

const listed = (names: readonly string[]): string => names.map((each) => JSON.stringify(each)).join(", ");

/** Names accepted for everything else in the group, including built-in kinds. */
export interface OthersNames {
  /** As a plural, singular or short name. */
  hasResource(name: string): boolean;
  /** As a kind or list kind. */
  hasKind(name: string): boolean;
}

export function acceptNames(crd: CustomResourceDefinition, others: OthersNames): NamesVerdict {
  const wanted = crd.spec?.names as CustomResourceDefinitionNames;
  const accepted: CustomResourceDefinitionNames = {
    plural: "",
    kind: "",
    ...crd.status?.acceptedNames,
  };
  const problems: [reason: string, message: string][] = [];
  const inUse = (name: string, reason: string): void => {
    problems.push([reason, `${JSON.stringify(name)} is already in use`]);
  };
  if (others.hasResource(wanted.plural)) inUse(wanted.plural, "PluralConflict");
  else accepted.plural = wanted.plural;
  if (wanted.singular && others.hasResource(wanted.singular)) inUse(wanted.singular, "SingularConflict");
  else if (wanted.singular) accepted.singular = wanted.singular;
  const taken = (wanted.shortNames ?? []).filter((each) => others.hasResource(each));
  if (taken.length > 0) problems.push(["ShortNamesConflict", `${listed(taken)} is already in use`]);
  else if (wanted.shortNames) accepted.shortNames = wanted.shortNames;
  else delete accepted.shortNames;
  if (others.hasKind(wanted.kind)) inUse(wanted.kind, "KindConflict");
  else accepted.kind = wanted.kind;
  if (wanted.listKind && others.hasKind(wanted.listKind)) inUse(wanted.listKind, "ListKindConflict");
  else if (wanted.listKind) accepted.listKind = wanted.listKind;
  if (wanted.categories) accepted.categories = wanted.categories;
  else delete accepted.categories;
  // The last problem is the one reported.
  const told = problems.at(-1);
  const condition: Condition = told
    ? { type: "NamesAccepted", status: "False", reason: told[0], message: told[1] }
    : { type: "NamesAccepted", status: "True", reason: "NoConflicts", message: "no conflicts found" };
  return { accepted, condition };
}

/** Established follows NamesAccepted, and then stays. It waits until a conversion webhook has a valid caBundle. */
export function established(crd: CustomResourceDefinition, namesAccepted: boolean): Condition {
  const type = "Established";
  const known = crd.status?.conditions?.find((each) => each.type === type);
  if (known?.status === "True") return known;
  if (!namesAccepted)
    return { type, status: "False", reason: "NotAccepted", message: "not all names are accepted" };
  const bundle = crd.spec?.conversion?.webhook?.clientConfig?.caBundle;
  return bundle && !isBundle(bundle)
    ? {
        type,
        status: "False",
        reason: "InvalidCABundle",
        message: "The conversion webhook CABundle is invalid",
      }
    : {
        type,
        status: "True",
        reason: "InitialNamesAccepted",
        message: "the initial names have been accepted",
      };
}

const approvals = {
  approved: ["True", "ApprovedAnnotation"],
  bypassed: ["False", "UnapprovedAnnotation"],
  missing: ["False", "MissingAnnotation"],
  invalid: ["False", "InvalidAnnotation"],
} as const;

/** Whether the API was approved by the community; only for groups of the community. */
export function approval(crd: CustomResourceDefinition): Condition | undefined {
  const found = approvalOf(crd);
  if (!found) return undefined;
  const [status, reason] = approvals[found.state];
  return { type: "KubernetesAPIApprovalPolicyConformant", status, reason, message: found.text };
}
