/** Validation of access reviews. Pure; in Kubernetes' order of errors. */
import type { LabelSelectorRequirement, ObjectMeta, SubjectAccessReview } from "../../../api/index.ts";
import {
  type FieldError,
  forbidden,
  invalid,
  isQualifiedName,
  isLabelValue,
  required,
} from "../../../machinery/index.ts";

interface Selector {
  rawSelector?: string;
  requirements?: readonly Partial<LabelSelectorRequirement>[];
}

export function reviewProblems(kind: string, { spec, metadata }: SubjectAccessReview): FieldError[] {
  const errors: FieldError[] = [];
  const { resourceAttributes: resource, nonResourceAttributes: path } = spec ?? {};
  // Printed with Go's field names.
  const shownPath = path && { Path: path.path ?? "", Verb: path.verb ?? "" };
  if (resource && path) {
    const why = "cannot be specified in combination with resourceAttributes";
    errors.push(invalid("spec.nonResourceAttributes", shownPath, why));
  }
  if (!resource && !path) {
    const why = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
    errors.push(invalid("spec.resourceAttributes", null, why));
  }
  const self = kind.startsWith("Self");
  if (!self && !spec?.user && !spec?.groups?.length) {
    errors.push(invalid("spec.user", "", "at least one of user or group must be specified"));
  }
  const at = "spec.resourceAttributes";
  if (resource?.fieldSelector)
    checkSelector(resource.fieldSelector, `${at}.fieldSelector`, checkField, errors);
  if (resource?.labelSelector)
    checkSelector(resource.labelSelector, `${at}.labelSelector`, checkLabel, errors);
  const local = kind.startsWith("Local");
  const { managedFields: _fields, ...given } = metadata ?? {};
  const { namespace: _namespace, ...others } = given;
  if (Object.keys(local ? others : given).length > 0) {
    errors.push(
      invalid(
        "metadata",
        inOrder(metadata ?? {}),
        local ? "must be empty except for namespace" : "must be empty",
      ),
    );
  }
  if (local && resource && (resource.namespace ?? "") !== (metadata?.namespace ?? "")) {
    errors.push(invalid(`${at}.namespace`, resource.namespace ?? "", "must match metadata.namespace"));
  }
  if (local && path) {
    errors.push(invalid("spec.nonResourceAttributes", shownPath, "disallowed on this kind of request"));
  }
  return errors;
}

type Check = (requirement: Partial<LabelSelectorRequirement>, path: string, errors: FieldError[]) => void;

function checkSelector(selector: Selector, path: string, check: Check, errors: FieldError[]): void {
  const { rawSelector = "", requirements = [] } = selector;
  if (rawSelector !== "" && requirements.length > 0) {
    const why = "may not specified at the same time as requirements";
    errors.push(invalid(`${path}.rawSelector`, rawSelector, why));
  }
  if (rawSelector === "" && requirements.length === 0) {
    const why = `when ${path} is specified, requirements or rawSelector is required`;
    errors.push(required(`${path}.requirements`, why));
  }
  requirements.forEach((each, i) => check(each, `${path}.requirements[${i}]`, errors));
}

/** Unknown operators are accepted, since newer clients may use them. */
function checkValues(
  { operator, values = [] }: Partial<LabelSelectorRequirement>,
  path: string,
  errors: FieldError[],
): void {
  if ((operator === "In" || operator === "NotIn") && values.length === 0) {
    errors.push(required(`${path}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
  }
  if ((operator === "Exists" || operator === "DoesNotExist") && values.length > 0) {
    const why = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
    errors.push(forbidden(`${path}.values`, why));
  }
}

const checkField: Check = (requirement, path, errors) => {
  if (!requirement.key) errors.push(required(`${path}.key`, "must be specified"));
  checkValues(requirement, path, errors);
};

const checkLabel: Check = (requirement, path, errors) => {
  checkValues(requirement, path, errors);
  const { key = "", values = [] } = requirement;
  for (const text of isQualifiedName(key)) errors.push(invalid(`${path}.key`, key, text));
  values.forEach((value, i) => {
    for (const text of isLabelValue(value)) errors.push(invalid(`${path}.values[${i}]`, value, text));
  });
};

/** Fields of metadata in Go's order. */
const members = [
  "name",
  "generateName",
  "namespace",
  "selfLink",
  "uid",
  "resourceVersion",
  "generation",
  "creationTimestamp",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
  "labels",
  "annotations",
  "ownerReferences",
  "finalizers",
  "managedFields",
] as const;

const inOrder = (metadata: ObjectMeta): object =>
  Object.fromEntries(
    members.flatMap((name) => (metadata[name] === undefined ? [] : [[name, metadata[name]]])),
  );
