/** Non-resource endpoints: discovery, OpenAPI, version, health, metrics. */
import { createHash } from "node:crypto";
import { encodedBytes, mediaTypes } from "../codec/encode.ts";
import { formats, negotiate, parseAccept, plainOffer, type Target } from "../codec/negotiate.ts";
import type { HandlerRequest, RequestInfo } from "../contract.ts";
import { methodNotAllowed, noResource, notAcceptable, nothingElse } from "../errors.ts";
import { metricsAnswer } from "../metrics/exposition.ts";
import type { MetricsRegistry } from "../metrics/registry.ts";
import { OpenApiDocuments } from "./openapi.ts";
import type { Registry } from "../registry/registry.ts";
import { type Answer, bytesAnswer, textAnswer } from "../response.ts";
import { versionInfo } from "../version.ts";
import type { OtherServers } from "./merged.ts";
import { Health } from "./health.ts";
import { aggregated, groupDocument, groupList, resourceList } from "./resources.ts";

const empty = (status: number): Answer => ({
  status,
  headers: { "cache-control": "no-cache, private" },
  body: new Uint8Array(0),
});

/** Indented, as in Kubernetes. */
const pretty = (value: unknown): Answer => bytesAnswer(200, Buffer.from(JSON.stringify(value, null, 2)));

interface Endpoint {
  /** GET alone by default. */
  anyMethod?: boolean;
  /** The only media type, if it must be accepted; undefined when it is negotiated. */
  type?: string;
  /** undefined for a group or version that is not served. */
  make: () => Answer | undefined;
}

/** Throws 406 when the only media type is not accepted. */
function checkAccepted(type: string, { headers }: HandlerRequest): void {
  const accepted = (headers?.accept || "*/*").split(",").map((range) => range.split(";")[0]?.trim());
  if (!accepted.some((each) => each === "*/*" || each === type)) throw nothingElse([type]);
}

/** Clients may cache issuer documents for an hour. */
function documentAnswer(path: string, type: string, value: unknown): Answer {
  const answer = bytesAnswer(200, Buffer.from(JSON.stringify(value)), type);
  if (path.startsWith("/openid/") || path.startsWith("/.well-known/"))
    answer.headers["cache-control"] = "public, max-age=3600";
  return answer;
}

interface Kept {
  generation: string;
  bytes: Uint8Array;
  etag: string;
  type: string;
}

export interface DocumentsOptions {
  registry: Registry;
  metrics: MetricsRegistry;
  health: Health;
  documents: ReadonlyMap<string, () => unknown>;
  /** host:port of this server, for /api. */
  address: () => string;
  /** Extension servers. */
  others: OtherServers;
  /** Debug tables by path; undefined for other paths. */
  debug: (path: string, query: URLSearchParams) => string | undefined;
  /** Pages for operators; undefined for other paths. */
  operating: (
    request: HandlerRequest,
    info: RequestInfo,
    paths: () => readonly string[],
  ) => Answer | undefined | Promise<Answer | undefined>;
  /** Their listed paths. */
  operatingPaths: readonly string[];
}

export class Documents {
  readonly #options: DocumentsOptions;
  readonly #openApi: OpenApiDocuments;
  readonly #kept = new Map<string, Kept>();
  readonly #aggregations;

  constructor(options: DocumentsOptions) {
    this.#options = options;
    this.#aggregations = options.metrics
      .counter({
        name: "aggregator_discovery_aggregation_count_total",
        help: "How often discovery of all groups was put together.",
        stability: "ALPHA",
      })
      .with();
    this.#openApi = new OpenApiDocuments(options.registry, options.others);
  }

  async answer(request: HandlerRequest, info: RequestInfo): Promise<Answer> {
    const { path } = info;
    // Endpoints of the API may have a trailing slash; pages, health and others may not.
    const bare = path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
    const endpoint = this.#endpoint(bare, request);
    if (endpoint) {
      const answer = endpoint.make();
      if (answer && !endpoint.anyMethod && request.method !== "GET") throw methodNotAllowed();
      if (endpoint.type) checkAccepted(endpoint.type, request);
      if (answer) return answer;
    } else {
      const answer = await this.#page(path, request, info);
      if (answer) return answer;
    }
    return this.#nothing(path);
  }

  /** 404 for an unknown endpoint: a Status below built-in groups, else plain text. */
  #nothing(path: string): Answer {
    const [, root, group = ""] = path.split("/");
    const grouped = root === "api" || (root === "apis" && group !== "");
    if (grouped && this.#options.registry.isBuiltIn(root === "api" ? "" : group)) throw noResource();
    if (root === "version") throw noResource();
    if (path.startsWith("/openapi/v3")) return empty(404);
    return textAnswer(404, "404 page not found\n");
  }

  #endpoint(path: string, request: HandlerRequest): Endpoint | undefined {
    const { registry, documents, address, others } = this.#options;
    const [, root, group = "", version = "", ...rest] = path.split("/");
    if (rest.length > 0) return undefined;
    switch (`${root}${group === "" ? "" : "/GROUP"}${version === "" ? "" : "/VERSION"}`) {
      case "api":
        return {
          make: () =>
            this.#discovery(request, path, true, () => ({
              kind: "APIVersions",
              versions: ["v1"],
              serverAddressByClientCIDRs: [{ clientCIDR: "0.0.0.0/0", serverAddress: address() }],
            })),
        };
      case "api/GROUP":
        return { make: () => this.#plain(request, resourceList(registry, "", group)) };
      case "apis":
        return {
          anyMethod: true,
          make: () => this.#discovery(request, path, false, () => groupList(registry, others)),
        };
      case "apis/GROUP":
        return {
          anyMethod: true,
          make: () => this.#plain(request, groupDocument(registry, others, group), true),
        };
      case "apis/GROUP/VERSION":
        return { make: () => this.#plain(request, resourceList(registry, group, version)) };
      case "version":
        return { type: "application/json", make: () => pretty(versionInfo) };
    }
    const found = documents.get(path);
    const type = path === "/openid/v1/jwks" ? "application/jwk-set+json" : "application/json";
    return found && { type, make: () => documentAnswer(path, type, found()) };
  }

  /** For every method. */
  async #page(path: string, request: HandlerRequest, info: RequestInfo): Promise<Answer | undefined> {
    const { metrics, health } = this.#options;
    if (path === "/" || path === "/index.html") return pretty({ paths: this.#paths() });
    if (path === "/metrics") return metricsAnswer(request.method, request.headers ?? {}, metrics);
    if (path === "/metrics/slis") return metricsAnswer("GET", request.headers ?? {}, health.metrics);
    if (path.startsWith("/debug/")) {
      const text = this.#options.debug(path, info.query);
      if (text !== undefined) return textAnswer(200, text);
    }
    if (/^\/(healthz|livez|readyz)(\/|$)/.test(path)) return health.answer(path, info.query);
    if (path.startsWith("/openapi/")) return this.#openApi.answer(path, request, info);
    return this.#options.operating(request, info, () => this.#paths());
  }

  #paths(): string[] {
    const { registry, others, health, documents, operatingPaths } = this.#options;
    const paths = [
      ...operatingPaths,
      "/api",
      "/api/v1",
      "/apis",
      "/apis/",
      "/metrics",
      "/metrics/slis",
      "/openapi/v2",
      "/openapi/v3",
    ];
    paths.push("/openapi/v3/", "/version", ...health.paths(), ...documents.keys());
    for (const { def } of registry.all()) {
      if (def.group !== "") paths.push(`/apis/${def.group}`, `/apis/${def.group}/${def.version}`);
    }
    for (const { group, version } of others.served())
      if (group !== "") paths.push(`/apis/${group}`, `/apis/${group}/${version}`);
    return [...new Set(paths)].sort();
  }

  /** The aggregated form for clients that accept it, else the legacy one. */
  #discovery(request: HandlerRequest, path: string, core: boolean, legacy: () => object): Answer {
    const { registry, others } = this.#options;
    const { accept } = request.headers ?? {};
    for (const { type, parameters } of parseAccept(accept ?? "")) {
      const format = formats[type];
      const { g, v, as: asked } = parameters;
      // Clients that accept the aggregated form get it whatever its quality value.
      if (!format || g !== "apidiscovery.k8s.io" || asked !== "APIGroupDiscoveryList" || v !== "v2") continue;
      const contentType = `${mediaTypes[format]};g=${g};v=${v};as=${asked}`;
      const key = `${path} ${format} ${v}`;
      return this.#keptAnswer(request, key, format, contentType, () => aggregated(registry, others, core, v));
    }
    const { format } = this.#negotiated(accept, !core);
    return bytesAnswer(200, encodedBytes(legacy(), format, false), mediaTypes[format]);
  }

  /** `/apis` and its groups have another 406 text than the rest. */
  #negotiated(accept: string | undefined, ofGroups: boolean): Target {
    try {
      return negotiate(accept, false, { ...plainOffer, families: ofGroups });
    } catch (error) {
      throw ofGroups ? notAcceptable("application/json", plainOffer) : error;
    }
  }

  #plain(request: HandlerRequest, known: object | undefined, ofGroups = false): Answer | undefined {
    if (!known) return undefined;
    const { format } = this.#negotiated(request.headers?.accept, ofGroups);
    return bytesAnswer(200, encodedBytes(known, format, false), mediaTypes[format]);
  }

  /** Cached per generation of the registry; 304 when the client has it. */
  #keptAnswer(
    request: HandlerRequest,
    key: string,
    format: Target["format"],
    type: string,
    make: () => object,
  ): Answer {
    const { registry, others } = this.#options;
    const generation = `${registry.generation} ${others.generation}`;
    let kept = this.#kept.get(key);
    if (!kept || kept.generation !== generation) {
      const made = make();
      this.#aggregations.add();
      const bytes = encodedBytes(made, format, false);
      // Of the content, whatever the encoding.
      const etag = `"${createHash("sha512").update(JSON.stringify(made)).digest("hex").toUpperCase()}"`;
      kept = { generation, bytes, etag, type };
      this.#kept.set(key, kept);
    }
    const fresh = request.headers?.["if-none-match"] === kept.etag;
    const answer = bytesAnswer(fresh ? 304 : 200, fresh ? new Uint8Array(0) : kept.bytes, kept.type);
    answer.headers.etag = kept.etag;
    answer.headers.vary = "Accept";
    answer.headers["cache-control"] = "public";
    return answer;
  }
}
