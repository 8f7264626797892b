import type { APIService } from "../../api/index.ts";
import type { ObjectReader } from "../auth-contract.ts";
import type { RequestInfo } from "../contract.ts";
import { type Extension, extensionOf } from "./extension.ts";
import { type GroupOrder, orderBy } from "../registry/group-order.ts";
import { type Priority, priorityOf, registrationGroup } from "../registry/priorities.ts";

/** The stored APIServices, indexed for routing. */
export class Registrations {
  readonly #objects: ObjectReader;
  /** By `group/version`. */
  readonly #extensions = new Map<string, Extension>();
  readonly #priorities = new Map<string, Priority>();
  readonly #stop: () => void;
  /** Changes with every change of the routing. */
  generation = 1;

  constructor(objects: ObjectReader, changed: (object: APIService) => void) {
    this.#objects = objects;
    for (const object of this.all()) this.#take(object);
    this.#stop = objects.onChange<APIService>(registrationGroup, "apiservices", (type, object, old) => {
      if (type === "deleted") this.#forget(object);
      else {
        if (old) this.#forget(old);
        this.#take(object);
      }
      this.generation++;
      changed(object);
    });
  }

  stop(): void {
    this.#stop();
  }

  all(): readonly APIService[] {
    return this.#objects.list<APIService>(registrationGroup, "apiservices");
  }

  get(name: string): APIService | undefined {
    return this.#objects.get<APIService>(registrationGroup, "apiservices", undefined, name);
  }

  extensions(): Iterable<Extension> {
    return this.#extensions.values();
  }

  find(group: string, version: string): Extension | undefined {
    return this.#extensions.get(`${group}/${version}`);
  }

  /** The extension server of this request; undefined: this server. */
  route(info: RequestInfo): Extension | undefined {
    if (this.#extensions.size === 0) return undefined;
    if (info.isResource) return this.find(info.apiGroup, info.apiVersion);
    const [, root, group = "", version = "", more] = info.path.split("/");
    if (root === "api") return this.find("", "v1");
    if (root === "apis") return more ? undefined : this.find(group, version);
    // Documents of single versions come from their server; those of all versions are merged here.
    const single = /^\/openapi\/v3\/(?:api\/(v1)|apis\/([^/]+)\/([^/]+))$/.exec(info.path);
    return single ? this.find(single[2] ?? "", single[3] ?? "v1") : undefined;
  }

  /** The preference of groups and versions, local and remote ones. */
  readonly order: GroupOrder = orderBy(
    (group, version) => this.#priorities.get(`${group}/${version}`) ?? priorityOf(group, version),
  );

  #take(object: APIService): void {
    const { group = "", version = "", groupPriorityMinimum = 0, versionPriority = 0 } = object.spec ?? {};
    const key = `${group}/${version}`;
    this.#priorities.set(key, { group: groupPriorityMinimum, version: versionPriority });
    const extension = extensionOf(object);
    if (extension) this.#extensions.set(key, extension);
  }

  #forget({ spec }: APIService): void {
    const key = `${spec?.group ?? ""}/${spec?.version ?? ""}`;
    this.#priorities.delete(key);
    this.#extensions.delete(key);
  }
}
