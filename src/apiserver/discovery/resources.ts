/** Discovery documents from the registry: legacy lists and the aggregated form (KEP-3352). */
import { createHash } from "node:crypto";
import { groupsOf } from "./groups.ts";
import { mergedGroups, type OtherServers } from "./merged.ts";
import type { Registry } from "../registry/registry.ts";
import { groupVersion, type ServedResource } from "../registry/resource.ts";

interface Subresource {
  name: string;
  group: string;
  version: string;
  kind: string;
  verbs: readonly string[];
}

const partVerbs = ["get", "patch", "update"];

/** The subresources of a resource in discovery. */
function subresourcesOf(registry: Registry, { def }: ServedResource): Subresource[] {
  const { group, version, kind, plural } = def;
  const found: Subresource[] = [];
  if (def.status) found.push({ name: "status", group, version, kind, verbs: partVerbs });
  if (def.scale)
    found.push({ name: "scale", group: "autoscaling", version: "v1", kind: "Scale", verbs: partVerbs });
  for (const name of def.subresources ?? []) {
    const special = registry.special.get(`${group === "" ? plural : `${plural}.${group}`}/${name}`);
    if (special) {
      found.push({
        name,
        group: special.group,
        version: special.version,
        kind: special.kind,
        verbs: special.verbs,
      });
    } else if (name === "binding") found.push({ name, group, version, kind: "Binding", verbs: ["create"] });
    else if (name === "eviction")
      found.push({ name, group: "policy", version: "v1", kind: "Eviction", verbs: ["create"] });
    else if (name === "finalize") found.push({ name, group, version, kind, verbs: ["update"] });
    else if (def.subresourceStrategies?.[name]) found.push({ name, group, version, kind, verbs: partVerbs });
  }
  return def.type ? found : found.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** `/api/v1`, `/apis/apps/v1` */
export function resourceList(registry: Registry, group: string, version: string): object | undefined {
  const resources = groupsOf(registry).get(group)?.get(version);
  if (!resources) return undefined;
  const list = resources.flatMap((resource) => {
    const { def } = resource;
    return [
      {
        name: def.plural,
        singularName: def.singular,
        namespaced: def.namespaced,
        kind: def.kind,
        verbs: def.verbs,
        ...(def.shortNames.length === 0 ? {} : { shortNames: def.shortNames }),
        ...(def.categories.length === 0 ? {} : { categories: def.categories }),
        ...(def.verbs.includes("watch") ? { storageVersionHash: storageHash(resource) } : {}),
      },
      ...subresourcesOf(registry, resource).map((sub) => ({
        name: `${def.plural}/${sub.name}`,
        singularName: "",
        namespaced: def.namespaced,
        ...(sub.group === def.group && sub.version === def.version
          ? {}
          : { group: sub.group, version: sub.version }),
        kind: sub.kind,
        verbs: sub.verbs,
      })),
    ];
  });
  return {
    kind: "APIResourceList",
    // Absent in the core group's list, for clients older than groups.
    ...(group === "" ? {} : { apiVersion: "v1" }),
    groupVersion: groupVersion({ group, version }),
    resources: list,
  };
}

/** Kinds that Kubernetes 1.36 stores in an older version than the one it serves. */
const storedOlder: Readonly<Record<string, string>> = {
  CustomResourceDefinition: "v1beta1",
  MutatingAdmissionPolicy: "v1beta1",
  MutatingAdmissionPolicyBinding: "v1beta1",
};

/** Identifies the storage version, by Kubernetes' rule: the head of a SHA-256. */
function storageHash({ def, storedApiVersion, storedKind }: ServedResource): string {
  const group = def.storedAs?.group ?? def.group;
  const older = def.type ? undefined : storedOlder[storedKind];
  const version = older ?? storedApiVersion.slice(storedApiVersion.indexOf("/") + 1);
  const hash = createHash("sha256").update(`${group}/${version}/${storedKind}`).digest();
  return hash.subarray(0, 8).toString("base64");
}

function groupObject(name: string, versions: Iterable<string>): object {
  const list = [...versions].map((version) => ({
    groupVersion: groupVersion({ group: name, version }),
    version,
  }));
  return { name, versions: list, preferredVersion: list[0] };
}

/** `/apis` */
export function groupList(registry: Registry, others: OtherServers): object {
  const groups = mergedGroups(registry, others, true).filter(([name]) => name !== "");
  return {
    kind: "APIGroupList",
    apiVersion: "v1",
    groups: groups.map(([name, versions]) => groupObject(name, versions.keys())),
  };
}

/** `/apis/GROUP` */
export function groupDocument(registry: Registry, others: OtherServers, name: string): object | undefined {
  const found = mergedGroups(registry, others, true).find(([group]) => group === name);
  if (!found || name === "") return undefined;
  return { kind: "APIGroup", apiVersion: "v1", ...groupObject(name, found[1].keys()) };
}

/** apidiscovery.k8s.io APIGroupDiscoveryList; `core`: of `/api`, else of `/apis`. */
export function aggregated(registry: Registry, others: OtherServers, core: boolean, version: string): object {
  const items = mergedGroups(registry, others, false)
    .filter(([name]) => (name === "") === core)
    .map(([name, versions]) => ({
      metadata: name === "" ? {} : { name },
      versions: [...versions].map(
        ([each, { resources, entry }]) =>
          entry ?? {
            version: each,
            resources: resources.map((resource) => aggregatedResource(registry, resource)),
            freshness: "Current",
          },
      ),
    }));
  return { kind: "APIGroupDiscoveryList", apiVersion: `apidiscovery.k8s.io/${version}`, metadata: {}, items };
}

/** A kind in the resource's own group and version is given without them. */
const responseKind = (
  { group, version }: { group: string; version: string },
  kind: { group: string; version: string; kind: string },
): object =>
  kind.group === group && kind.version === version
    ? { group: "", version: "", kind: kind.kind }
    : { group: kind.group, version: kind.version, kind: kind.kind };

function aggregatedResource(registry: Registry, resource: ServedResource): object {
  const { def } = resource;
  const subresources = subresourcesOf(registry, resource).map((sub) => ({
    subresource: sub.name,
    responseKind: responseKind(def, sub),
    verbs: sub.verbs,
  }));
  return {
    resource: def.plural,
    responseKind: responseKind(def, def),
    scope: def.namespaced ? "Namespaced" : "Cluster",
    singularResource: def.singular,
    verbs: def.verbs,
    ...(def.shortNames.length === 0 ? {} : { shortNames: def.shortNames }),
    ...(def.categories.length === 0 ? {} : { categories: def.categories }),
    ...(subresources.length === 0 ? {} : { subresources }),
  };
}
