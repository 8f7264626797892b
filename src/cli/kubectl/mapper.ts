import { kinds } from "../../api/index.ts";
import type { Session } from "./session.ts";

/** A resource: its path and names. */
export interface Resource {
  group: string;
  version: string;
  kind: string;
  plural: string;
  singular: string;
  namespaced: boolean;
  shortNames: readonly string[];
  categories: readonly string[];
  verbs: readonly string[];
}

interface DiscoveredResource {
  name: string;
  singularName: string;
  kind: string;
  namespaced: boolean;
  verbs: string[];
  shortNames?: string[];
  categories?: string[];
}

/** Maps names to resources. Built-in kinds are known; others are looked up by discovery. */
export class Mapper {
  private readonly session: Session;
  private discovered: Promise<Resource[]> | undefined;
  constructor(session: Session) {
    this.session = session;
  }

  /** `pods`, `po`, `deployment`, `deployments.apps`, `deployments.v1.apps`. Undefined when the server has no such resource. */
  async find(name: string): Promise<Resource | undefined> {
    return match(kinds, name) ?? match(await this.all(), name);
  }

  async require(name: string): Promise<Resource> {
    const found = await this.find(name);
    if (!found) throw new Error(`the server doesn't have a resource type "${name}"`);
    return found;
  }

  async byKind(apiVersion: string, kind: string): Promise<Resource | undefined> {
    const slash = apiVersion.indexOf("/");
    const group = slash < 0 ? "" : apiVersion.slice(0, slash);
    const version = apiVersion.slice(slash + 1);
    const fits = (r: Resource): boolean => r.group === group && r.version === version && r.kind === kind;
    return kinds.find(fits) ?? (await this.all()).find(fits);
  }

  /** Every resource of a category such as `all`. */
  async category(name: string): Promise<Resource[]> {
    return (await this.all()).filter((resource) => resource.categories.includes(name));
  }

  /** All resources, preferred versions first, in the server's order. */
  all(): Promise<Resource[]> {
    this.discovered ??= this.discover();
    return this.discovered;
  }

  private async discover(): Promise<Resource[]> {
    const groups = await this.session.get<{
      groups: {
        name: string;
        preferredVersion: { groupVersion: string };
        versions: { groupVersion: string }[];
      }[];
    }>("/apis");
    const paths = [
      { group: "", version: "v1", path: "/api/v1" },
      ...groups.groups.flatMap((group) => {
        const ordered = [
          group.preferredVersion,
          ...group.versions.filter((v) => v.groupVersion !== group.preferredVersion.groupVersion),
        ];
        return ordered.map(({ groupVersion }) => ({
          group: group.name,
          version: groupVersion.split("/")[1] ?? "",
          path: `/apis/${groupVersion}`,
        }));
      }),
    ];
    const lists = await Promise.all(
      paths.map(async ({ group, version, path }) => {
        // A group whose extension server is unavailable must not hide the others.
        const list = await this.session
          .get<{ resources: DiscoveredResource[] }>(path)
          .catch(() => ({ resources: [] as DiscoveredResource[] }));
        return list.resources
          .filter((resource) => !resource.name.includes("/"))
          .map((resource) => ({
            group,
            version,
            kind: resource.kind,
            plural: resource.name,
            singular: resource.singularName || resource.kind.toLowerCase(),
            namespaced: resource.namespaced,
            shortNames: resource.shortNames ?? [],
            categories: resource.categories ?? [],
            verbs: resource.verbs,
          }));
      }),
    );
    return lists.flat();
  }
}

function match(all: readonly Resource[], text: string): Resource | undefined {
  const name = text.toLowerCase();
  const [first = "", ...more] = name.split(".");
  const named = (r: Resource): boolean =>
    r.plural === first ||
    r.singular === first ||
    r.shortNames.includes(first) ||
    r.kind.toLowerCase() === first;
  if (more.length === 0) return all.find(named);
  const group = more.join(".");
  const tail = more.slice(1).join(".");
  return (
    all.find((r) => named(r) && r.group === group) ??
    all.find((r) => named(r) && r.version === more[0] && r.group === tail)
  );
}

/** `deployments.apps`, `pods`: a resource with its group, as kubectl prints it. */
export function resourceName(resource: Resource): string {
  return resource.group === "" ? resource.plural : `${resource.plural}.${resource.group}`;
}

/** `deployment.apps/web`, `pod/web`: an object's name, as `-o name` and the verbs print it. */
export function objectName(resource: Resource, name: string): string {
  const singular = resource.singular || resource.kind.toLowerCase();
  return `${resource.group === "" ? singular : `${singular}.${resource.group}`}/${name}`;
}

export function pathOf(
  resource: Resource,
  namespace: string | undefined,
  name?: string,
  subresource?: string,
): string {
  const root =
    resource.group === "" ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
  const scope =
    resource.namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : "";
  const object = name === undefined ? "" : `/${encodeURIComponent(name)}`;
  return `${root}${scope}/${resource.plural}${object}${subresource ? `/${subresource}` : ""}`;
}
