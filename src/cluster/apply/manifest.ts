import type { KubeObject } from "../../api/index.ts";
import { type ApiTransport, readJson } from "../../client/index.ts";
import { ClusterError } from "../cluster-error.ts";

/** One object of a manifest, and where it stands. */
export interface Manifest {
  object: KubeObject;
  /** File name and line, for errors. */
  source: string;
}

/** How a kind is served. */
export interface Served {
  plural: string;
  namespaced: boolean;
  base: string;
}

interface ResourceList {
  resources: { name: string; kind: string; namespaced: boolean }[];
}

/** Looks up the path of a kind, once per group and version. */
export class ServedKinds {
  readonly #api: ApiTransport;
  readonly #lists = new Map<string, Promise<ResourceList>>();

  constructor(api: ApiTransport) {
    this.#api = api;
  }

  /** Throws with the manifest's source when the kind is not served. */
  async find({ object, source }: Manifest): Promise<Served> {
    const apiVersion = object.apiVersion ?? "";
    const base = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
    let list = this.#lists.get(base);
    if (!list) {
      list = this.#api
        .request({ method: "GET", path: base })
        .then((answer) => readJson<ResourceList>(answer));
      this.#lists.set(base, list);
    }
    const { resources } = await list.catch((cause: unknown) => {
      this.#lists.delete(base);
      throw new ClusterError(`${source}: apiVersion ${apiVersion} is not served here`, { cause });
    });
    const found = resources.find((each) => each.kind === object.kind && !each.name.includes("/"));
    if (!found) {
      this.#lists.delete(base); // a definition that comes with the same manifests may add it
      throw new ClusterError(`${source}: there is no kind ${object.kind} in ${apiVersion}`);
    }
    return { plural: found.name, namespaced: found.namespaced, base };
  }
}
