import type { Registry } from "../registry/registry.ts";
import type { ServedResource } from "../registry/resource.ts";

/** Resources that are not stored are served only if they have a handler. */
function served(registry: Registry, { def }: ServedResource): boolean {
  const asked = def.verbs.length === 1 && def.verbs[0] === "create";
  return (
    !asked ||
    def.plural === "bindings" ||
    registry.special.has(def.group === "" ? def.plural : `${def.plural}.${def.group}`)
  );
}

/** Groups with their versions, the preferred first. */
export function groupsOf(registry: Registry): Map<string, Map<string, ServedResource[]>> {
  const groups = new Map<string, Map<string, ServedResource[]>>();
  for (const resource of registry.all()) {
    if (!served(registry, resource)) continue;
    const { group, version } = resource.def;
    const versions = groups.get(group) ?? new Map<string, ServedResource[]>();
    groups.set(group, versions);
    const list = versions.get(version) ?? [];
    versions.set(version, list);
    list.push(resource);
  }
  for (const versions of groups.values()) {
    for (const list of versions.values()) list.sort((a, b) => (a.def.plural < b.def.plural ? -1 : 1));
  }
  const { order } = registry;
  return new Map(
    [...groups]
      .map(([name, versions]): [string, Map<string, ServedResource[]>] => [
        name,
        new Map([...versions].sort(([a], [b]) => order.compareVersions(name, a, b))),
      ])
      .sort(([a, ofA], [b, ofB]) => order.compareGroups([a, [...ofA.keys()]], [b, [...ofB.keys()]])),
  );
}
