/**
 * APIServices of locally served versions: those of built-in groups are created when the server starts, those of custom resources
 * follow their definitions. A label tells them apart.
 */
import type { APIService, KubeObject } from "../../api/index.ts";
import { type Outcome, runWorkers, settled, WorkQueue } from "../../client/index.ts";
import { deepEqual, Multimap } from "../../machinery/index.ts";
import type { Core } from "../core.ts";
import { groupsOf } from "../discovery/groups.ts";
import type { ServedResource } from "../registry/resource.ts";
import { isBuiltInGroup, priorityOf, registrationGroup } from "../registry/priorities.ts";
import type { Registrations } from "./registrations.ts";
import { apiServicesOf, changeService, createService, deleteService } from "./server-writes.ts";

const label = "kube-aggregator.kubernetes.io/automanaged";
const onStart = "onstart";
const continuously = "true";

interface Definition extends KubeObject {
  spec?: { group?: string; versions?: { name: string; served?: boolean }[] };
}

const nameOf = (group: string, version: string): string => `${version}.${group}`;

function wanted(group: string, version: string, managed: string): APIService {
  const priority = priorityOf(group, version);
  return {
    apiVersion: `${registrationGroup}/v1`,
    kind: "APIService",
    metadata: { name: nameOf(group, version), labels: { [label]: managed } },
    spec: {
      ...(group === "" ? {} : { group }),
      groupPriorityMinimum: priority.group,
      version,
      versionPriority: priority.version,
    },
  };
}

/** Built-in groups and versions that are served, except that of APIServices themselves. */
function builtIn(core: Core): APIService[] {
  const found = new Map<string, APIService>();
  for (const [group, versions] of groupsOf(core.registry)) {
    if (group === registrationGroup || !isBuiltInGroup(group)) continue;
    for (const version of versions.keys()) found.set(nameOf(group, version), wanted(group, version, onStart));
  }
  return [...found.values()];
}

/** Creates and repairs those of built-in groups. Resolves when they exist. */
export async function registerBuiltIn(core: Core, registrations: Registrations): Promise<void> {
  const resource = apiServicesOf(core);
  if (!resource) return;
  const services = builtIn(core);
  const names = new Set(services.map(({ metadata }) => metadata?.name));
  await Promise.all([
    ...services.map((service) => ensure(core, resource, registrations, service)),
    // Groups and versions of an older server.
    ...registrations
      .all()
      .filter((each) => each.metadata?.labels?.[label] === onStart && !names.has(each.metadata.name))
      .map((each) => deleteService(core, resource, each)),
  ]);
}

async function ensure(
  core: Core,
  resource: ServedResource,
  registrations: Registrations,
  service: APIService,
): Promise<void> {
  const name = service.metadata?.name ?? "";
  const known = registrations.get(name);
  if (!known) return createService(core, resource, service);
  const managed = known.metadata?.labels?.[label];
  if (managed !== onStart && managed !== continuously) return;
  if (deepEqual(known.spec, service.spec)) return;
  await changeService(core, resource, name, "", (object) => {
    if (service.spec) object.spec = { ...service.spec };
  });
}

/** Which definitions serve a version, by the name of its APIService. */
class ServingDefinitions {
  readonly #serving = new Multimap<string, string>();
  /** Names of APIServices by definition. */
  readonly #served = new Map<string, string[]>();

  note({ metadata, spec }: Definition, isGone: boolean): void {
    const definition = metadata?.name ?? "";
    for (const name of this.#served.get(definition) ?? []) this.#serving.delete(name, definition);
    this.#served.delete(definition);
    if (isGone) return;
    const served = (spec?.versions ?? []).filter((version) => version.served);
    const names = served.map(({ name }) => nameOf(spec?.group ?? "", name));
    this.#served.set(definition, names);
    for (const name of names) this.#serving.add(name, definition);
  }

  has(name: string): boolean {
    return this.#serving.get(name).size > 0;
  }
}

/** Maintains those of custom resources until the signal. */
export async function registerCustom(
  core: Core,
  registrations: Registrations,
  queue: WorkQueue,
  signal: AbortSignal,
): Promise<void> {
  const resource = apiServicesOf(core);
  if (!resource) return;
  const serving = new ServingDefinitions();
  const add = ({ spec }: Definition): void => {
    for (const { name } of spec?.versions ?? []) queue.add(nameOf(spec?.group ?? "", name));
  };
  const reconcile = async (name: string): Promise<Outcome> => {
    const dot = name.indexOf(".");
    const version = name.slice(0, dot);
    const group = name.slice(dot + 1);
    if (isBuiltInGroup(group)) return settled;
    if (serving.has(name)) {
      await ensure(core, resource, registrations, wanted(group, version, continuously));
      return settled;
    }
    const known = registrations.get(name);
    if (known?.metadata?.labels?.[label] === continuously) await deleteService(core, resource, known);
    return settled;
  };
  const kind = ["apiextensions.k8s.io", "customresourcedefinitions"] as const;
  const stop = core.caches.onChange<Definition>(...kind, (type, object, old) => {
    if (old) add(old);
    add(object);
    serving.note(object, type === "deleted");
  });
  for (const definition of core.caches.list<Definition>(...kind)) {
    add(definition);
    serving.note(definition, false);
  }
  for (const { metadata } of registrations.all())
    if (metadata?.labels?.[label] === continuously) queue.add(metadata.name ?? "");
  try {
    await runWorkers(queue, 1, reconcile, { log: core.log, signal });
  } finally {
    stop();
  }
}

/** True when it follows a CustomResourceDefinition. */
export const followsDefinition = ({ metadata }: APIService): boolean =>
  metadata?.labels?.[label] === continuously;
