/** Merges what this server and extension servers serve. */
import type { Registry } from "../registry/registry.ts";
import type { ServedResource } from "../registry/resource.ts";
import { groupsOf } from "./groups.ts";

/** The aggregation layer's interface for discovery. */
export interface OtherServers {
  /** Changes with everything below. */
  readonly generation: string;
  /** Groups and versions of extension servers, with their entries of aggregated discovery. */
  served(): Iterable<{ group: string; version: string; entry: object }>;
  /** All APIServices' groups and versions, wherever they are served. */
  registered(): Iterable<{ group: string; version: string }>;
  /** Their OpenAPI documents; undefined without extension servers. */
  openApi(): Promise<OtherOpenApi | undefined>;
}

export interface OtherOpenApi {
  /** The index of version 3, including theirs. */
  openApiPaths(local: Record<string, unknown>): Promise<Record<string, unknown>>;
  /** `version` changes with what `merge` adds to a document of version 2. */
  openApiV2(): Promise<{ version: string; merge(local: object): object }>;
}

export interface MergedVersion {
  resources: readonly ServedResource[];
  /** Of an extension server. */
  entry?: object;
}

/** Groups and their versions, the preferred first. `legacy` discovery also lists versions of unavailable servers. */
export function mergedGroups(
  registry: Registry,
  others: OtherServers,
  legacy: boolean,
): [string, Map<string, MergedVersion>][] {
  const groups = new Map<string, Map<string, MergedVersion>>();
  const put = (group: string, version: string, served: MergedVersion): void => {
    const versions = groups.get(group) ?? new Map<string, MergedVersion>();
    groups.set(group, versions.set(version, served));
  };
  for (const [group, versions] of groupsOf(registry))
    for (const [version, resources] of versions) put(group, version, { resources });
  for (const { group, version, entry } of others.served()) put(group, version, { resources: [], entry });
  if (legacy) {
    for (const { group, version } of others.registered())
      if (!groups.get(group)?.has(version)) put(group, version, { resources: [] });
  }
  const { order } = registry;
  return [...groups]
    .map(([group, versions]): [string, Map<string, MergedVersion>] => [
      group,
      new Map([...versions].sort(([a], [b]) => order.compareVersions(group, a, b))),
    ])
    .sort(([a, ofA], [b, ofB]) => order.compareGroups([a, [...ofA.keys()]], [b, [...ofB.keys()]]));
}
