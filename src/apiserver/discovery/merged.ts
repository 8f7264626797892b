/** What this server and extension servers serve together. */
import type { Registry } from "../registry/registry.ts";
import type { ServedResource } from "../registry/resource.ts";
import { groupsOf } from "./groups.ts";

/** The aggregation layer as discovery needs it. */
export interface OtherServers {
  /** Changes with everything that follows. */
  readonly generation: string;
  /** Groups and versions that others serve, each with what aggregated discovery says of it. */
  served(): Iterable<{ group: string; version: string; entry: object }>;
  /** Everything an APIService exists for, whoever serves it. */
  registered(): Iterable<{ group: string; version: string }>;
  /** Their OpenAPI documents; undefined when there are no others. */
  openApi(): Promise<OtherOpenApi | undefined>;
}

export interface OtherOpenApi {
  /** The index of version 3 with theirs in it. */
  openApiPaths(local: Record<string, unknown>): Promise<Record<string, unknown>>;
  /** `version` tells whether what `merge` puts into a document of version 2 has changed. */
  openApiV2(): Promise<{ version: string; merge(local: object): object }>;
}

export interface MergedVersion {
  resources: readonly ServedResource[];
  /** Of another server. */
  entry?: object;
}

/** Groups and their versions, the preferred first. `legacy` discovery also lists what nobody has been seen to serve. */
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
