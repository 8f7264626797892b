import type { KubeObject } from "../../api/index.ts";
import type { Flags } from "../flags.ts";
import { UsageError } from "../flags.ts";
import { type Mapper, pathOf, type Resource } from "./mapper.ts";
import { readManifests } from "./manifests.ts";
import type { Session } from "./session.ts";

/** An object by name, or (name undefined) all objects of a selector or namespace. */
export interface Target {
  resource: Resource;
  namespace: string | undefined;
  name: string | undefined;
}

/** Parses `TYPE NAME...`, `TYPE/NAME...`, `TYPE,TYPE`, `all`, or `-f FILE` into targets, in the order given. */
export async function targetsOf(
  mapper: Mapper,
  session: Session,
  args: readonly string[],
  flags: Flags,
): Promise<Target[]> {
  const files = flags.list("filename");
  if (files.length > 0) {
    const targets: Target[] = [];
    for (const { object, source } of await readManifests(files, flags.on("recursive"))) {
      targets.push(await targetOfObject(mapper, session, object, source));
    }
    return targets;
  }
  const namespace = flags.on("all-namespaces") ? undefined : session.namespace;
  const scoped = (resource: Resource): string | undefined => (resource.namespaced ? namespace : undefined);
  if (args.some((arg) => arg.includes("/"))) {
    const targets: Target[] = [];
    for (const arg of args) {
      const [type = "", name = "", extra] = arg.split("/");
      if (type === "" || name === "" || extra !== undefined) {
        throw new UsageError(
          `arguments in resource/name form must have a single resource and name, got "${arg}"`,
        );
      }
      const resource = await mapper.require(type);
      targets.push({ resource, namespace: scoped(resource), name });
    }
    return targets;
  }
  const [types = "", ...names] = args;
  if (types === "") return [];
  const resources: Resource[] = [];
  for (const type of types.split(",")) {
    if (type === "all") resources.push(...(await mapper.category("all")));
    else resources.push(await mapper.require(type));
  }
  return resources.flatMap((resource): Target[] =>
    names.length === 0
      ? [{ resource, namespace: scoped(resource), name: undefined }]
      : names.map((name) => ({ resource, namespace: scoped(resource), name })),
  );
}

export async function targetOfObject(
  mapper: Mapper,
  session: Session,
  object: KubeObject,
  source: string,
): Promise<Target & { name: string | undefined }> {
  const resource = await mapper.byKind(object.apiVersion ?? "", object.kind ?? "");
  if (!resource) {
    throw new Error(
      `${source}: no matches for kind "${object.kind}" in version "${object.apiVersion}"; ensure CRDs are installed first`,
    );
  }
  return {
    resource,
    namespace: resource.namespaced ? (object.metadata?.namespace ?? session.namespace) : undefined,
    name: object.metadata?.name,
  };
}

/** The targets' objects: by get for names, by list with the selectors for the rest. */
export async function objectsOf(
  session: Session,
  targets: readonly Target[],
  flags: Flags,
): Promise<Found[]> {
  const found: Found[] = [];
  for (const { resource, namespace, name } of targets) {
    if (name !== undefined) {
      const object = await session.get<KubeObject>(pathOf(resource, namespace, name));
      found.push({ resource, namespace, name, object });
      continue;
    }
    const list = await session.get<{ items: KubeObject[] }>(pathOf(resource, namespace), selectors(flags));
    for (const item of list.items) {
      const object = { apiVersion: apiVersionOf(resource), kind: resource.kind, ...item };
      found.push({ resource, namespace: item.metadata?.namespace, name: item.metadata?.name ?? "", object });
    }
  }
  return found;
}

export interface Found extends Target {
  name: string;
  object: KubeObject;
}

export function selectors(flags: Flags): { labelSelector?: string; fieldSelector?: string } {
  const labelSelector = flags.text("selector");
  const fieldSelector = flags.text("field-selector");
  return { ...(labelSelector ? { labelSelector } : {}), ...(fieldSelector ? { fieldSelector } : {}) };
}

export function apiVersionOf(resource: Resource): string {
  return resource.group === "" ? resource.version : `${resource.group}/${resource.version}`;
}
