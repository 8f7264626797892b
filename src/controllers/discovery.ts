import { type ApiTransport, readJson } from "../client/index.ts";

/** One resource as discovery shows it. */
export interface DiscoveredResource {
  group: string;
  version: string;
  plural: string;
  kind: string;
  namespaced: boolean;
  verbs: readonly string[];
}

interface GroupList {
  groups?: { name: string; preferredVersion?: { version: string }; versions: { version: string }[] }[];
}

interface ResourceList {
  resources?: { name: string; kind: string; namespaced: boolean; verbs?: string[] }[];
}

export interface Discovery {
  resources: DiscoveredResource[];
  /** Groups that did not answer, e.g. of an extension server that is down; what they hold is unknown. */
  failures: { groupVersion: string; error: Error }[];
}

/** Every resource the server has, in each group's preferred version; subresources left out. */
export async function discover(api: ApiTransport, signal?: AbortSignal): Promise<Discovery> {
  const get = async <T>(path: string): Promise<T> =>
    readJson<T>(
      await api.request({
        method: "GET",
        path,
        headers: { accept: "application/json" },
        ...(signal ? { signal } : {}),
      }),
    );
  const { groups = [] } = await get<GroupList>("/apis");
  const versions = [
    { group: "", version: "v1" },
    ...groups.map(({ name, preferredVersion, versions: all }) => ({
      group: name,
      version: preferredVersion?.version ?? all[0]?.version ?? "v1",
    })),
  ];
  const found: Discovery = { resources: [], failures: [] };
  await Promise.all(
    versions.map(async ({ group, version }) => {
      const groupVersion = group ? `${group}/${version}` : version;
      try {
        const list = await get<ResourceList>(group ? `/apis/${groupVersion}` : `/api/${version}`);
        for (const { name, kind, namespaced, verbs = [] } of list.resources ?? []) {
          if (!name.includes("/"))
            found.resources.push({ group, version, plural: name, kind, namespaced, verbs });
        }
      } catch (error) {
        found.failures.push({ groupVersion, error: error as Error });
      }
    }),
  );
  return found;
}
