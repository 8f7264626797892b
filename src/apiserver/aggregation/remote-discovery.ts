/** Discovery documents of extension servers, cached so that discovery never waits for them. */
import type { KubeObject } from "../../api/index.ts";
import { type Extension, rootPath, serverKey } from "./extension.ts";
import { type ExtensionClient, readAll, readDocument } from "./extension-client.ts";

const timeoutMs = 5000;
const aggregator = { name: "system:kube-aggregator", groups: ["system:masters"] };
const aggregatedType = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
const accept = `${aggregatedType},application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList`;

/** apidiscovery.k8s.io APIVersionDiscovery */
export interface VersionDiscovery {
  version: string;
  resources?: object[];
  freshness: "Current" | "Stale";
}

interface GroupDiscoveryList {
  items?: { metadata?: { name?: string }; versions?: { version: string; resources?: Resource[] }[] }[];
}

interface Resource {
  responseKind?: object;
  subresources?: Resource[];
}

interface Listed {
  name: string;
  singularName?: string;
  namespaced: boolean;
  kind: string;
  group?: string;
  version?: string;
  verbs: string[];
  shortNames?: string[];
  categories?: string[];
}

interface Known {
  etag: string | undefined;
  /** By `group/version`. */
  resources: Map<string, object[] | undefined>;
}

export class RemoteDiscovery {
  readonly #client: ExtensionClient;
  readonly #servers = new Map<string, Known>();
  readonly #entries = new Map<string, VersionDiscovery>();
  /** Changes with every entry. */
  generation = 1;

  constructor(client: ExtensionClient) {
    this.#client = client;
  }

  /** Stale and empty until the server has answered once. */
  entry({ name, version }: Extension): VersionDiscovery {
    return this.#entries.get(name) ?? { version, freshness: "Stale" };
  }

  forget(name: string): void {
    if (this.#entries.delete(name)) this.generation++;
  }

  /** Fetches the document. False when the server did not answer: the former one stays, marked as stale. */
  async refresh(extension: Extension, signal: AbortSignal): Promise<boolean> {
    const { name, version, group } = extension;
    let resources: object[] | undefined;
    let answered = true;
    try {
      resources = await this.#fetch(extension, signal);
    } catch {
      if (signal.aborted) return true;
      answered = false;
      resources =
        this.#servers.get(serverKey(extension))?.resources.get(`${group}/${version}`) ??
        (this.#entries.get(name)?.resources as object[] | undefined);
    }
    const entry: VersionDiscovery = {
      version,
      ...(resources && resources.length > 0 ? { resources } : {}),
      freshness: answered ? "Current" : "Stale",
    };
    if (JSON.stringify(entry) !== JSON.stringify(this.#entries.get(name))) {
      this.#entries.set(name, entry);
      this.generation++;
    }
    return answered;
  }

  async #fetch(extension: Extension, signal: AbortSignal): Promise<object[] | undefined> {
    const known = this.#servers.get(serverKey(extension));
    const own = `${extension.group}/${extension.version}`;
    const headers = { accept, ...(known?.etag ? { "if-none-match": known.etag } : {}) };
    const answer = await this.#get(extension, "/apis", headers, signal);
    if (answer.status === 304 && known) return known.resources.get(own);
    if (answer.status === 503) throw new Error("the server is not available");
    if (answer.status !== 200 || !/;\s*as=APIGroupDiscoveryList/i.test(answer.type))
      return this.#fetchLegacy(extension, signal);
    const list = readDocument(answer.body) as unknown as GroupDiscoveryList;
    const resources = new Map<string, object[] | undefined>();
    for (const { metadata, versions = [] } of list.items ?? []) {
      for (const each of versions) {
        for (const resource of each.resources ?? []) {
          // Some clients require it.
          resource.responseKind ??= { group: "", version: "", kind: "" };
          for (const sub of resource.subresources ?? [])
            sub.responseKind ??= { group: "", version: "", kind: "" };
        }
        resources.set(`${metadata?.name ?? ""}/${each.version}`, each.resources);
      }
    }
    this.#servers.set(serverKey(extension), { etag: answer.etag, resources });
    return resources.get(own);
  }

  /** For servers without aggregated discovery. */
  async #fetchLegacy(extension: Extension, signal: AbortSignal): Promise<object[]> {
    const path = rootPath(extension);
    const answer = await this.#get(extension, path, { accept: "application/json" }, signal);
    if (answer.status !== 200) throw new Error(`no discovery document at ${path}: ${answer.status}`);
    const list = readDocument(answer.body) as unknown as KubeObject & { resources?: Listed[] };
    return aggregatedForm(list.resources ?? []);
  }

  async #get(
    extension: Extension,
    path: string,
    headers: Record<string, string>,
    signal: AbortSignal,
  ): Promise<{ status: number; type: string; etag: string | undefined; body: Buffer }> {
    const answer = await this.#client.send(extension, this.#client.endpoint(extension), {
      method: "GET",
      path,
      user: aggregator,
      headers,
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      timeoutMs,
    });
    const body = await readAll(answer);
    const { etag } = answer.headers;
    return { status: answer.statusCode ?? 0, type: answer.headers["content-type"] ?? "", etag, body };
  }
}

/** Converts a legacy resource list, with subresources beside resources, into the aggregated form. */
export function aggregatedForm(listed: readonly Listed[]): object[] {
  const found = new Map<string, Record<string, unknown>>();
  const kind = (each: Listed): object => ({
    group: each.group ?? "",
    version: each.version ?? "",
    kind: each.kind,
  });
  const scope = (each: Listed): string => (each.namespaced ? "Namespaced" : "Cluster");
  for (const each of listed) {
    if (each.name.includes("/")) continue;
    found.set(each.name, {
      resource: each.name,
      responseKind: kind(each),
      scope: scope(each),
      singularResource: each.singularName ?? "",
      verbs: each.verbs,
      ...(each.shortNames ? { shortNames: each.shortNames } : {}),
      ...(each.categories ? { categories: each.categories } : {}),
    });
  }
  for (const each of listed) {
    const [name = "", subresource] = each.name.split("/");
    if (subresource === undefined) continue;
    // A subresource without its resource gets a placeholder for it.
    const parent = found.get(name) ?? { resource: name, responseKind: {}, scope: scope(each), verbs: [] };
    found.set(name, parent);
    const list = (parent.subresources ??= []) as object[];
    list.push({ subresource, responseKind: kind(each), verbs: each.verbs });
  }
  return [...found.values()];
}
