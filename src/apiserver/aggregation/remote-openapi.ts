/** OpenAPI documents of extension servers, fetched when the whole is requested. */
import { deepEqual, isObject } from "../../machinery/index.ts";
import { type Extension, serverKey } from "./extension.ts";
import { type ExtensionClient, readAll, readDocument } from "./extension-client.ts";

const timeoutMs = 5000;
const aggregator = { name: "system:aggregator", groups: ["system:masters"] };

interface SwaggerDocument {
  paths?: Record<string, unknown>;
  definitions?: Record<string, unknown>;
  [member: string]: unknown;
}

interface Known<T> {
  etag: string | undefined;
  document: T;
}

type Index = Record<string, unknown>;

/** Version 2 is one document: merges the paths of each group and version, and the definitions they refer to. */
export interface RemoteV2 {
  version: string;
  merge(local: object): object;
}

export class RemoteOpenApi {
  readonly #client: ExtensionClient;
  readonly #known = new Map<string, Known<unknown>>();
  /** Numbers documents, to compare them cheaply. */
  readonly #numbers = new WeakMap<object, number>();
  #last = 0;

  constructor(client: ExtensionClient) {
    this.#client = client;
  }

  /** The entries of the servers' own /openapi/v3, except those in `local`. */
  async paths(extensions: readonly Extension[], local: Index): Promise<Index> {
    const found: Index = {};
    for (const [, document] of await this.#all<{ paths?: Index }>(extensions, "/openapi/v3"))
      if (isObject(document.paths)) Object.assign(found, document.paths);
    return { ...found, ...local };
  }

  /** The servers' current documents of version 2. `version` changes with any of them. */
  async v2(extensions: readonly Extension[]): Promise<RemoteV2> {
    const documents = await this.#all<SwaggerDocument>(extensions, "/openapi/v2");
    return {
      version: documents.map(([server, document]) => `${server}=${this.#number(document)}`).join(),
      merge(local: SwaggerDocument): SwaggerDocument {
        const merged = { ...local, paths: { ...local.paths }, definitions: { ...local.definitions } };
        for (const [server, document] of documents) {
          const roots = extensions
            .filter((each) => serverKey(each) === server)
            .map(({ group, version }) => `/apis/${group}/${version}/`);
          mergeDocument(merged, document, roots);
        }
        return merged;
      },
    };
  }

  #number(document: object): number {
    let number = this.#numbers.get(document);
    if (number === undefined) {
      number = ++this.#last;
      this.#numbers.set(document, number);
    }
    return number;
  }

  /** One document per server; of servers that do not answer, the last one if any. */
  async #all<T>(extensions: readonly Extension[], path: string): Promise<[string, T][]> {
    const servers = new Map(
      extensions.filter(({ available }) => available).map((each) => [serverKey(each), each]),
    );
    const found = await Promise.all(
      [...servers].map(async ([key, extension]): Promise<[string, T] | undefined> => {
        const document = await this.#get<T>(extension, path).catch(
          () => this.#known.get(`${key} ${path}`)?.document as T | undefined,
        );
        return document && [key, document];
      }),
    );
    return found.filter((each) => each !== undefined);
  }

  async #get<T>(extension: Extension, path: string): Promise<T | undefined> {
    const key = `${serverKey(extension)} ${path}`;
    const known = this.#known.get(key);
    const answer = await this.#client.send(extension, this.#client.endpoint(extension), {
      method: "GET",
      path,
      user: aggregator,
      headers: { accept: "application/json", ...(known?.etag ? { "if-none-match": known.etag } : {}) },
      signal: AbortSignal.timeout(timeoutMs),
      timeoutMs,
    });
    const body = await readAll(answer);
    if (answer.statusCode === 304 && known) return known.document as T;
    if (answer.statusCode !== 200) return undefined;
    const document = readDocument(body) as T;
    this.#known.set(key, { etag: answer.headers.etag, document });
    return document;
  }
}

const reference = "#/definitions/";

/** Merges what is below `roots`; a definition whose name is taken by a different one is renamed. */
export function mergeDocument(
  merged: SwaggerDocument,
  document: SwaggerDocument,
  roots: readonly string[],
): void {
  const paths = Object.entries(document.paths ?? {}).filter(([path]) =>
    roots.some((root) => `${path}/`.startsWith(root)),
  );
  const definitions = document.definitions ?? {};
  const target = (merged.definitions ??= {});
  const names = new Map<string, string>();
  for (const name of referredTo(paths, definitions)) {
    let chosen = name;
    for (let n = 2; target[chosen] !== undefined && !deepEqual(target[chosen], definitions[name]); n++)
      chosen = `${name}_v${n}`;
    names.set(name, chosen);
  }
  const renamed = <T>(value: T): T =>
    JSON.parse(JSON.stringify(value), (member, each: unknown) =>
      member === "$ref" && typeof each === "string" && each.startsWith(reference)
        ? reference + (names.get(each.slice(reference.length)) ?? each.slice(reference.length))
        : each,
    ) as T;
  for (const [name, chosen] of names) target[chosen] ??= renamed(definitions[name]);
  merged.paths ??= {};
  for (const [path, item] of paths) merged.paths[path] ??= renamed(item);
}

/** Names of definitions referred to, transitively. */
function referredTo(root: unknown, definitions: Record<string, unknown>): Set<string> {
  const found = new Set<string>();
  const look = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    for (const [member, each] of Object.entries(value)) {
      if (member === "$ref" && typeof each === "string" && each.startsWith(reference)) {
        const name = each.slice(reference.length);
        if (!found.has(name) && Object.hasOwn(definitions, name)) {
          found.add(name);
          look(definitions[name]);
        }
      } else look(each);
    }
  };
  look(root);
  return found;
}
