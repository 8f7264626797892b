import type { KubeObject } from "../../../api/index.ts";
import type { LabelSelectorObject } from "../../../machinery/index.ts";
import type { ObjectReader, UserInfo } from "../../auth-contract.ts";
import {
  type DefaultRole,
  defaultClusterRoleBindings,
  defaultClusterRoles,
  defaultRoles,
} from "./default-roles.ts";
import { type PolicyRule, parseRule } from "./rule.ts";

export interface Subject {
  kind: string;
  name: string;
  namespace?: string;
  apiGroup?: string;
}

export interface RoleObject extends KubeObject {
  rules?: PolicyRule[];
  aggregationRule?: { clusterRoleSelectors?: LabelSelectorObject[] };
}

export interface BindingObject extends KubeObject {
  subjects?: Subject[];
  roleRef: { apiGroup: string; kind: string; name: string };
}

/** A binding's role that does not exist. */
export interface MissingRole {
  kind: string;
  name: string;
}

/** A binding of a user, with its rules. */
export interface Grant {
  rules: readonly PolicyRule[];
  /** For the reason of a decision: `ClusterRoleBinding "x" of ClusterRole "y" to Group "z"`. */
  source: string;
  /** The role does not exist, so there are no rules. */
  missing?: MissingRole | undefined;
}

export const rbacGroup = "rbac.authorization.k8s.io";

/** `U name`, `G name`, `S namespace/name`. */
type SubjectKey = string;

const subjectKey = (subject: Subject, namespace: string): SubjectKey => {
  if (subject.kind === "User") return `U ${subject.name}`;
  if (subject.kind === "Group") return `G ${subject.name}`;
  return `S ${subject.namespace || namespace}/${subject.name}`;
};

const serviceAccountPrefix = "system:serviceaccount:";

function keysOf(user: UserInfo): { key: SubjectKey; label: string }[] {
  const keys = [
    { key: `U ${user.name}`, label: `User "${user.name}"` },
    ...user.groups.map((group) => ({ key: `G ${group}`, label: `Group "${group}"` })),
  ];
  if (user.name.startsWith(serviceAccountPrefix)) {
    const [namespace = "", name = ""] = user.name.slice(serviceAccountPrefix.length).split(":");
    keys.push({ key: `S ${namespace}/${name}`, label: `ServiceAccount "${name}/${namespace}"` });
  }
  return keys;
}

interface Entry {
  rules: readonly PolicyRule[];
  binding: string;
  role: string;
  missing?: MissingRole;
}

/**
 * Bindings by subject, with resolved roles. Rebuilt from the stored objects (a few hundred) after a change; `version` increases
 * then, which invalidates cached answers.
 */
export class RuleIndex {
  version = 0;
  #objects: ObjectReader | undefined;
  #stale = true;
  #withDefaults = true;
  /** Namespace ("" for cluster-wide) to subject to bindings. */
  #entries = new Map<string, Map<SubjectKey, Entry[]>>();

  attach(objects: ObjectReader): void {
    this.#objects = objects;
    const touch = (): void => this.invalidate();
    for (const resource of ["clusterroles", "clusterrolebindings", "roles", "rolebindings"])
      objects.onChange(rbacGroup, resource, touch);
    this.invalidate();
  }

  invalidate(): void {
    this.#stale = true;
    this.version++;
  }

  /** Drops the built-in defaults, once they are stored. */
  dropDefaults(): void {
    this.#withDefaults = false;
    this.invalidate();
  }

  /** The bindings of a user: cluster-wide, and in the namespace if given. */
  grantsOf(user: UserInfo, namespace: string): Grant[] {
    if (this.#stale) this.#build();
    const scopes = namespace === "" ? [""] : ["", namespace];
    return scopes.flatMap((scope) => {
      const bySubject = this.#entries.get(scope);
      if (!bySubject) return [];
      return keysOf(user).flatMap(({ key, label }) =>
        (bySubject.get(key) ?? []).map((entry) => ({
          rules: entry.rules,
          source: `${entry.binding} of ${entry.role} to ${label}`,
          missing: entry.missing,
        })),
      );
    });
  }

  /** The current rules of a role; undefined when it does not exist. */
  rulesOf(kind: string, namespace: string, name: string): readonly PolicyRule[] | undefined {
    const role =
      kind === "ClusterRole"
        ? this.#objects?.get<RoleObject>(rbacGroup, "clusterroles", undefined, name)
        : this.#objects?.get<RoleObject>(rbacGroup, "roles", namespace, name);
    if (role) return role.rules ?? [];
    if (!this.#withDefaults) return undefined;
    return kind === "ClusterRole" ? defaultRules().get(name) : undefined;
  }

  #build(): void {
    this.#stale = false;
    this.#entries = new Map();
    const objects = this.#objects;
    if (objects) {
      for (const binding of objects.list<BindingObject>(rbacGroup, "clusterrolebindings"))
        this.#addBinding(binding, "");
      for (const binding of objects.list<BindingObject>(rbacGroup, "rolebindings"))
        this.#addBinding(binding, binding.metadata?.namespace ?? "");
    }
    if (this.#withDefaults) this.#addDefaults();
  }

  #addBinding(binding: BindingObject, namespace: string): void {
    const { kind, name } = binding.roleRef;
    const found = this.rulesOf(kind, namespace, name);
    const rules = found ?? [];
    // A binding of a missing role grants nothing. It is not reported before the defaults are stored.
    const missing = found || this.#withDefaults ? {} : { missing: { kind, name } };
    const own = binding.metadata?.name ?? "";
    const label = namespace === "" ? `ClusterRoleBinding "${own}"` : `RoleBinding "${own}/${namespace}"`;
    const entry = { rules, binding: label, role: `${kind} "${name}"`, ...missing };
    for (const subject of binding.subjects ?? []) this.#add(namespace, subjectKey(subject, namespace), entry);
  }

  /** Adds the default roles before they are stored, so that components can start. */
  #addDefaults(): void {
    for (const binding of defaultClusterRoleBindings) {
      if (this.#objects?.get(rbacGroup, "clusterrolebindings", undefined, binding.name)) continue;
      const rules = defaultRules().get(binding.role) ?? [];
      const entry = {
        rules,
        binding: `ClusterRoleBinding "${binding.name}"`,
        role: `ClusterRole "${binding.role}"`,
      };
      for (const subject of binding.subjects) this.#add("", subjectKey(parseSubject(subject), ""), entry);
    }
    for (const role of defaultRoles) {
      if (this.#objects?.get(rbacGroup, "rolebindings", role.namespace, role.binding)) continue;
      const entry = {
        rules: role.rules.map(parseRule),
        binding: `RoleBinding "${role.binding}/${role.namespace}"`,
        role: `Role "${role.name}"`,
      };
      for (const subject of role.subjects)
        this.#add(role.namespace, subjectKey(parseSubject(subject), role.namespace), entry);
    }
  }

  #add(namespace: string, key: SubjectKey, entry: Entry): void {
    const bySubject = this.#entries.get(namespace) ?? new Map<SubjectKey, Entry[]>();
    this.#entries.set(namespace, bySubject);
    const list = bySubject.get(key) ?? [];
    bySubject.set(key, list);
    list.push(entry);
  }
}

/** Parses a subject in the notation of default-roles.ts. */
export function parseSubject(text: string): Subject {
  const [kind = "", name = ""] = text.split(" ");
  if (kind !== "ServiceAccount") return { kind, apiGroup: rbacGroup, name };
  const [namespace = "", account = ""] = name.split("/");
  return { kind, name: account, namespace };
}

let built: Map<string, PolicyRule[]> | undefined;

/** Default rules by ClusterRole, with aggregation resolved. */
export function defaultRules(): ReadonlyMap<string, PolicyRule[]> {
  if (built) return built;
  const rulesOf = (role: DefaultRole): PolicyRule[] => [
    ...role.rules.map(parseRule),
    ...defaultClusterRoles
      .filter((other) => role.aggregates !== undefined && other.aggregatesTo?.includes(role.aggregates))
      .flatMap(rulesOf),
  ];
  built = new Map(defaultClusterRoles.map((role) => [role.name, rulesOf(role)]));
  return built;
}
