/** The kinds of the rbac.authorization.k8s.io group. */
import { isPathSegmentName } from "../../machinery/index.ts";
import { ageColumn, column, nameColumn, wide } from "../columns.ts";
import type { KindDefinition, TableColumn } from "../definition.ts";
import { kindsOf } from "../define.ts";
import type { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from "../generated/types.ts";
import {
  defaultBinding,
  validateBinding,
  validateBindingUpdate,
  validateClusterRole,
  validateRole,
} from "./rules.ts";

/** What a change of a role or binding is held to, in order. */
const onUpdate = ["metadata", "object", "metadataChange", "change"] as const;

const define = kindsOf("rbac.authorization.k8s.io", "v1", "io.k8s.api.rbac.v1");
type Binding = RoleBinding | ClusterRoleBinding;

const subjects = (binding: Binding, kind: string): string =>
  (binding.subjects ?? [])
    .filter((subject) => subject.kind === kind)
    .map((subject) =>
      kind === "ServiceAccount" ? `${subject.namespace ?? ""}/${subject.name}` : subject.name,
    )
    .join(", ");

const bindingColumns: readonly TableColumn[] = [
  nameColumn,
  column<Binding>("Role", "string", (binding) => `${binding.roleRef.kind}/${binding.roleRef.name}`),
  ageColumn,
  wide<Binding>("Users", (binding) => subjects(binding, "User")),
  wide<Binding>("Groups", (binding) => subjects(binding, "Group")),
  wide<Binding>("ServiceAccounts", (binding) => subjects(binding, "ServiceAccount")),
];

export const rbacKinds: readonly KindDefinition[] = [
  define<ClusterRole>({
    kind: "ClusterRole",
    plural: "clusterroles",
    namespaced: false,
    name: isPathSegmentName,
    onUpdate,
    validate: validateClusterRole,
  }),
  define<ClusterRoleBinding>({
    kind: "ClusterRoleBinding",
    plural: "clusterrolebindings",
    namespaced: false,
    name: isPathSegmentName,
    onUpdate,
    columns: bindingColumns,
    defaults: defaultBinding,
    validate: (binding) => validateBinding(binding, false),
    validateUpdate: validateBindingUpdate,
  }),
  define<Role>({
    kind: "Role",
    plural: "roles",
    name: isPathSegmentName,
    onUpdate,
    validate: validateRole,
  }),
  define<RoleBinding>({
    kind: "RoleBinding",
    plural: "rolebindings",
    name: isPathSegmentName,
    onUpdate,
    columns: bindingColumns,
    defaults: defaultBinding,
    validate: (binding) => validateBinding(binding, true),
    validateUpdate: validateBindingUpdate,
  }),
];
