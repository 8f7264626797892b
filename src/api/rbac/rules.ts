/** Roles and bindings: defaults and rules. */
import {
  deepEqual,
  invalid,
  isDns1123Subdomain,
  isPathSegmentName,
  notSupported,
  notSupportedText,
  required,
} from "../../machinery/index.ts";
import type { FieldError } from "../definition.ts";
import type { ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding } from "../generated/types.ts";
import { internalForm } from "../internal-form.ts";
import { validateLabelSelector } from "../metadata.ts";

const group = "rbac.authorization.k8s.io";

export function defaultBinding(binding: RoleBinding | ClusterRoleBinding): void {
  binding.roleRef ??= { apiGroup: group, kind: "", name: "" };
  binding.roleRef.apiGroup ||= group;
  for (const subject of binding.subjects ?? []) {
    if (subject.apiGroup) continue;
    if (subject.kind === "User" || subject.kind === "Group") subject.apiGroup = group;
    else if (subject.kind === "ServiceAccount") delete subject.apiGroup;
  }
}

function validateRule(rule: PolicyRule, namespaced: boolean, path: string, errors: FieldError[]): void {
  if (!rule.verbs?.length) errors.push(required(`${path}.verbs`, "verbs must contain at least one value"));
  if (rule.nonResourceURLs?.length) {
    if (namespaced) {
      errors.push(
        invalid(
          `${path}.nonResourceURLs`,
          rule.nonResourceURLs,
          "namespaced rules cannot apply to non-resource URLs",
        ),
      );
    }
    if (rule.apiGroups?.length || rule.resources?.length || rule.resourceNames?.length) {
      errors.push(
        invalid(
          `${path}.nonResourceURLs`,
          rule.nonResourceURLs,
          "rules cannot apply to both regular resources and non-resource URLs",
        ),
      );
    }
    return;
  }
  if (!rule.apiGroups?.length)
    errors.push(required(`${path}.apiGroups`, "resource rules must supply at least one api group"));
  if (!rule.resources?.length)
    errors.push(required(`${path}.resources`, "resource rules must supply at least one resource"));
}

export function validateRole(role: Role): FieldError[] {
  const errors: FieldError[] = [];
  for (const [i, rule] of (role.rules ?? []).entries()) validateRule(rule, true, `rules[${i}]`, errors);
  return errors;
}

export function validateClusterRole(role: ClusterRole): FieldError[] {
  const errors: FieldError[] = [];
  for (const [i, rule] of (role.rules ?? []).entries()) validateRule(rule, false, `rules[${i}]`, errors);
  if (role.aggregationRule) {
    const selectors = role.aggregationRule.clusterRoleSelectors ?? [];
    if (selectors.length === 0) {
      errors.push(
        required(
          "aggregationRule.clusterRoleSelectors",
          "at least one clusterRoleSelector required if aggregationRule is non-nil",
        ),
      );
    }
    for (const [i, selector] of selectors.entries()) {
      const path = `aggregationRule.clusterRoleSelectors[${i}]`;
      const before = errors.length;
      validateLabelSelector(selector, path, errors);
      // The original reads it once more as a selector, and has nothing to show then.
      if (errors.length > before) errors.push(invalid(path, null, "invalid label selector."));
    }
  }
  return errors;
}

export function validateBinding(
  binding: RoleBinding | ClusterRoleBinding,
  namespaced: boolean,
): FieldError[] {
  const errors: FieldError[] = [];
  const role = binding.roleRef ?? { apiGroup: "", kind: "", name: "" };
  if (role.apiGroup !== group) errors.push(notSupported("roleRef.apiGroup", role.apiGroup ?? "", [group]));
  const kinds = namespaced ? ["Role", "ClusterRole"] : ["ClusterRole"];
  if (!kinds.includes(role.kind)) errors.push(notSupportedText("roleRef.kind", role.kind ?? "", kinds));
  if (!role.name) errors.push(required("roleRef.name"));
  else for (const text of isPathSegmentName(role.name)) errors.push(invalid("roleRef.name", role.name, text));
  for (const [i, subject] of (binding.subjects ?? []).entries()) {
    const path = `subjects[${i}]`;
    if (!subject.name) errors.push(required(`${path}.name`));
    switch (subject.kind) {
      case "ServiceAccount":
        if (subject.name) {
          for (const text of isDns1123Subdomain(subject.name))
            errors.push(invalid(`${path}.name`, subject.name, text));
        }
        if (subject.apiGroup) errors.push(notSupported(`${path}.apiGroup`, subject.apiGroup, [""]));
        if (!namespaced && !subject.namespace) errors.push(required(`${path}.namespace`));
        break;
      case "User":
      case "Group":
        if (subject.apiGroup !== group)
          errors.push(notSupported(`${path}.apiGroup`, subject.apiGroup ?? "", [group]));
        break;
      default:
        errors.push(notSupported(`${path}.kind`, subject.kind ?? "", ["ServiceAccount", "User", "Group"]));
    }
  }
  return errors;
}

export function validateBindingUpdate(
  binding: RoleBinding | ClusterRoleBinding,
  old: RoleBinding | ClusterRoleBinding,
): FieldError[] {
  if (deepEqual(binding.roleRef, old.roleRef)) return [];
  const shown = internalForm("rbac.RoleRef", binding.roleRef);
  return [invalid("roleRef", shown, "cannot change roleRef")];
}
