/** OpenAPI documents, built on first request to keep the start fast. */
import { createHash } from "node:crypto";
import {
  type KindDefinition,
  openApiPage,
  openApiSource,
  openApiV2,
  openApiV3,
  pageNames,
} from "../../api/index.ts";
import { isObject, mapInSteps } from "../../machinery/index.ts";
import { parseAccept } from "../codec/negotiate.ts";
import type { HandlerRequest, RequestInfo } from "../contract.ts";
import { othersFirst } from "../others-first.ts";
import type { Registry } from "../registry/registry.ts";
import { type Answer, bytesAnswer } from "../response.ts";
import { groupsOf } from "./groups.ts";
import type { OtherServers } from "./merged.ts";

/** A document in the encodings requested so far. */
interface Kept {
  hash: string;
  make: () => Promise<object>;
  bytes: Partial<Record<Format, Promise<Buffer>>>;
  made: Date;
}

type Format = "json" | "protobuf";

const formats: readonly {
  format: Format;
  /** Its accepted media types. */
  accepted(version: 2 | 3): readonly string[];
  /** Its media type in answers. */
  type(version: 2 | 3): string;
}[] = [
  {
    format: "json",
    accepted: () => ["application/json", "application/*", "*/*"],
    type: () => "application/json",
  },
  {
    format: "protobuf",
    accepted: (version) => [
      `application/com.github.proto-openapi.spec.v${version}.v1.0+protobuf`,
      `application/com.github.proto-openapi.spec.v${version}@v1.0+protobuf`,
    ],
    type: (version) => `application/com.github.proto-openapi.spec.v${version}.v1.0+protobuf`,
  },
];

const yearSeconds = 365 * 24 * 3600;

export class OpenApiDocuments {
  readonly #registry: Registry;
  readonly #others: OtherServers;
  readonly #kept = new Map<string, Kept>();
  /** For the index, per generation of the registry. */
  #hashes: { generation: number; byName: Map<string, string> } | undefined;

  constructor(registry: Registry, others: OtherServers) {
    this.#registry = registry;
    this.#others = others;
  }

  /** undefined for other paths. */
  async answer(path: string, request: HandlerRequest, info: RequestInfo): Promise<Answer | undefined> {
    if (path === "/openapi/v2") return this.#version2(request);
    if (path === "/openapi/v3") return this.#index();
    return path.startsWith("/openapi/v3/")
      ? this.#version3(path.slice("/openapi/v3/".length), request, info)
      : undefined;
  }

  async #version2(request: HandlerRequest): Promise<Answer> {
    const theirs = await (await this.#others.openApi())?.openApiV2();
    const hash = digest([...this.#byName().values(), theirs?.version ?? ""].join());
    const kept = this.#keep("v2", hash, async () => {
      const own = await openApiV2(this.#kinds(), othersFirst);
      return theirs ? theirs.merge(own) : own;
    });
    return this.#document(kept, 2, request, "Accept-Encoding, Accept");
  }

  async #index(): Promise<Answer> {
    const own = Object.fromEntries(
      [...this.#byName()].map(([name, hash]) => [
        name,
        { serverRelativeURL: `/openapi/v3/${name}?hash=${hash}` },
      ]),
    );
    const theirs = await this.#others.openApi();
    const paths = theirs ? await theirs.openApiPaths(own) : own;
    // JSON that Kubernetes sends as plain text.
    return bytesAnswer(200, Buffer.from(`${JSON.stringify({ paths })}\n`), "text/plain; charset=utf-8");
  }

  async #version3(name: string, request: HandlerRequest, info: RequestInfo): Promise<Answer | undefined> {
    const hash = this.#byName().get(name);
    if (hash === undefined) return undefined;
    const asked = info.query.get("hash");
    if (asked !== null && asked !== hash) {
      const answer = bytesAnswer(301, Buffer.alloc(0));
      answer.headers["location"] = `/openapi/v3/${name}?hash=${hash}`;
      return Object.assign(answer, { headers: { ...answer.headers, etag: `"${hash}"`, vary: "Accept" } });
    }
    const [, core, group = "", version = core ?? ""] =
      /^(?:api\/(v\d+)|apis\/([^/]+)\/([^/]+))$/.exec(name) ?? [];
    const kept = this.#keep(name, hash, async () => {
      if (version !== "") return openApiV3(group, version, this.#kinds());
      return (await openApiPage(name)) as object;
    });
    const answer = await this.#document(kept, 3, request, "Accept");
    if (asked !== null && answer.status !== 406) {
      answer.headers["cache-control"] = "public, immutable";
      answer.headers["expires"] = new Date(Date.now() + 1000 * yearSeconds).toUTCString();
    }
    return answer;
  }

  #kinds(): KindDefinition[] {
    return [...this.#registry.all()].map(({ def }) => def);
  }

  /** Names of documents of version 3 with a hash of their content. */
  #byName(): Map<string, string> {
    const { generation } = this.#registry;
    if (this.#hashes?.generation === generation) return this.#hashes.byName;
    const found: [string, string][] = pageNames.map((name) => [name, digest(name)]);
    for (const [group, versions] of groupsOf(this.#registry)) {
      let builtIn = false;
      for (const [version, resources] of versions) {
        const name = group === "" ? `api/${version}` : `apis/${group}/${version}`;
        const said = resources.map(({ def }) => {
          if (!def.openApi) builtIn = true;
          return def.openApi ? customText(def) : def.plural;
        });
        found.push([name, digest(`${name} ${said.join()}`)]);
      }
      if (builtIn && group !== "") found.push([`apis/${group}`, digest(group)]);
    }
    const byName = new Map(found.sort(([a], [b]) => (a < b ? -1 : 1)));
    this.#hashes = { generation, byName };
    return byName;
  }

  #keep(name: string, hash: string, make: () => Promise<object>): Kept {
    let kept = this.#kept.get(name);
    if (kept?.hash !== hash) {
      kept = { hash, make, bytes: {}, made: new Date() };
      this.#kept.set(name, kept);
    }
    return kept as Kept;
  }

  async #document(kept: Kept, version: 2 | 3, request: HandlerRequest, vary: string): Promise<Answer> {
    const { accept, "if-none-match": known } = request.headers ?? {};
    const chosen = choose(accept, version);
    if (!chosen)
      return {
        status: 406,
        headers: { "cache-control": "no-cache, private", vary },
        body: Buffer.alloc(0),
      };
    const { format } = chosen;
    const etag = `"${kept.hash}"`;
    const headers = { etag, vary, "last-modified": kept.made.toUTCString() };
    if (isKnown(known, etag)) {
      const answer = bytesAnswer(304, Buffer.alloc(0));
      return { ...answer, headers: { ...answer.headers, ...headers } };
    }
    const bytes = await (kept.bytes[format] ??= bytesOf(kept, format, version));
    const answer = bytesAnswer(200, bytes, chosen.type(version));
    return { ...answer, headers: { ...answer.headers, ...headers } };
  }
}

/** Only the bytes are cached: the document takes many times their memory. */
async function bytesOf(kept: Kept, format: Format, version: 2 | 3): Promise<Buffer> {
  try {
    const document = await kept.make();
    if (format === "json") return await jsonOf(document);
    const { encodeOpenApi } = await import("../codec/openapi/encode.ts");
    return await encodeOpenApi(version, document, othersFirst);
  } catch (error) {
    delete kept.bytes[format];
    throw error;
  }
}

const customTexts = new WeakMap<KindDefinition, string>();

/** A key for everything that documents say about a custom kind. */
function customText(def: KindDefinition): string {
  let text = customTexts.get(def);
  if (text === undefined) {
    text = digest(JSON.stringify([def.plural, def.kind, def.openApi, def.status, def.scale]));
    customTexts.set(def, text);
  }
  return text;
}

/** Encodes the fields of its maps one by one. */
async function jsonOf(document: object): Promise<Buffer> {
  const member = (name: string, text: string): string => `${JSON.stringify(name)}:${text}`;
  const members = Object.entries(document).map(async ([name, value]: [string, unknown]) => {
    if (!isObject(value)) return member(name, JSON.stringify(value));
    const own = await mapInSteps(Object.entries(value), othersFirst, ([key, each]) =>
      each === undefined ? [] : [member(key, JSON.stringify(each))],
    );
    return member(name, `{${own.flat().join()}}`);
  });
  return Buffer.from(`{${(await Promise.all(members)).join()}}`);
}

const digest = (text: string): string =>
  createHash("sha512").update(openApiSource).update(text).digest("hex").toUpperCase();

function choose(accept: string | undefined, version: 2 | 3): (typeof formats)[number] | undefined {
  if (!accept) return formats[0];
  for (const { type } of parseAccept(accept)) {
    const found = formats.find(({ accepted }) => accepted(version).includes(type));
    if (found) return found;
  }
  return undefined;
}

/** Whether If-None-Match names the document. */
const isKnown = (header: string | undefined, etag: string): boolean =>
  header !== undefined && header.split(",").some((each) => [etag, `W/${etag}`, "*"].includes(each.trim()));
