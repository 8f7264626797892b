import { isFormer, type KindDefinition } from "../../api/index.ts";
import type { ObjectCaches } from "../cache/objects.ts";
import type { SpecialHandler } from "../contract.ts";
import { builtInOrder, type GroupOrder } from "./group-order.ts";
import { type Conversion, ServedResource } from "./resource.ts";

/** Kinds of request bodies that are not stored. */
const unstored = new Set([
  "v1 Binding",
  "v1 List",
  "v1 Status",
  "autoscaling/v1 Scale",
  "policy/v1 Eviction",
]);
/** Kinds that every served version has. */
const ofAllVersions = new Set(
  ["Create", "Delete", "Get", "List", "Patch", "Update"].map((verb) => `${verb}Options`).concat("WatchEvent"),
);
/** Groups with a scheme of their own in Kubernetes: kinds of other groups are unknown there. */
const apart = new Set(["apiextensions.k8s.io", "apiregistration.k8s.io"]);

/** The served resources. CustomResourceDefinitions change it at run time, hence `generation`. */
export class Registry {
  readonly #caches: ObjectCaches;
  readonly #resources = new Map<string, ServedResource>();
  readonly #hidden = new Map<string, readonly ServedResource[]>();
  readonly special: ReadonlyMap<string, SpecialHandler>;
  /** Raised with every change; discovery documents are cached per generation. */
  generation = 1;
  /** Priorities from APIServices, once they are known. */
  order: GroupOrder = builtInOrder;

  constructor(
    kinds: readonly KindDefinition[],
    special: ReadonlyMap<string, SpecialHandler>,
    caches: ObjectCaches,
  ) {
    this.#caches = caches;
    this.special = special;
    for (const def of kinds) this.add(def);
  }

  add(def: KindDefinition, conversion?: Conversion): ServedResource {
    const resource = new ServedResource(def, this.#caches, conversion);
    this.#resources.set(key(def.group, def.version, def.plural), resource);
    this.generation++;
    return resource;
  }

  /**
   * Serves exactly these versions of a resource from now on. `hidden`: versions that are defined but not served. `conversion`: the
   * webhook that converts between them.
   */
  replace(
    group: string,
    plural: string,
    kinds: readonly KindDefinition[],
    hidden: readonly KindDefinition[] = [],
    conversion?: Conversion,
  ): readonly ServedResource[] {
    for (const [name, { def }] of this.#resources)
      if (def.group === group && def.plural === plural) this.#resources.delete(name);
    const served = kinds.map((def) => this.add(def, conversion));
    const name = `${group}/${plural}`;
    this.#hidden.delete(name);
    if (hidden.length > 0)
      this.#hidden.set(
        name,
        hidden.map((def) => new ServedResource(def, this.#caches, conversion)),
      );
    this.generation++;
    return served;
  }

  /** Other versions and groups of the same objects; those that are not served come last. */
  equivalentsOf(resource: ServedResource): ServedResource[] {
    const { group, plural } = resource.def;
    const served = [...this.#resources.values()].filter(
      (other) => other !== resource && other.cache === resource.cache,
    );
    return [...served, ...(this.#hidden.get(`${group}/${plural}`) ?? [])];
  }

  find(group: string, version: string, plural: string): ServedResource | undefined {
    return this.#resources.get(key(group, version, plural));
  }

  /** A version of a resource, served or not. */
  version(group: string, version: string, plural: string): ServedResource | undefined {
    const hidden = this.#hidden.get(`${group}/${plural}`) ?? [];
    return this.find(group, version, plural) ?? hidden.find(({ def }) => def.version === version);
  }

  /** Any served version of it. */
  findAny(group: string, plural: string): ServedResource | undefined {
    for (const resource of this.#resources.values()) {
      if (resource.def.group === group && resource.def.plural === plural) return resource;
    }
    return undefined;
  }

  /** True for a kind, or its list, that this version has. `group`: of the resource whose body it should be. */
  knows(apiVersion: string, kind: string, group = ""): boolean {
    const given = apiVersion.slice(0, Math.max(apiVersion.lastIndexOf("/"), 0));
    if (kind === "Status") return true;
    if (apart.has(group) && given !== group) return apiVersion === "v1" && ofAllVersions.has(kind);
    if (apart.has(given) && given !== group) return false;
    if (unstored.has(`${apiVersion} ${kind}`) || isFormer(apiVersion, kind)) return true;
    for (const { apiVersion: served, def } of this.#resources.values()) {
      if (served !== apiVersion) continue;
      if (def.kind === kind || def.listKind === kind || ofAllVersions.has(kind)) return true;
    }
    return false;
  }

  /** True for a built-in group; in others, paths that are not served are answered in plain text. */
  isBuiltIn(group: string): boolean {
    for (const { def } of this.#resources.values()) if (def.group === group && !def.type) return true;
    return false;
  }

  all(): Iterable<ServedResource> {
    return this.#resources.values();
  }
}

const key = (group: string, version: string, plural: string): string => `${group}/${version}/${plural}`;

/** `pods/log`, `tokenreviews.authentication.k8s.io` */
export function specialKey(group: string, plural: string, subresource: string): string {
  const resource = group === "" ? plural : `${plural}.${group}`;
  return subresource === "" ? resource : `${resource}/${subresource}`;
}
