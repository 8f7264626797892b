/** Everything that is not a resource: discovery, OpenAPI, version, health, metrics. */
import { createHash } from "node:crypto";
import { encodedBytes, mediaTypes } from "../codec/encode.ts";
import { formats, negotiate, parseAccept, plainOffer, type Target } from "../codec/negotiate.ts";
import type { HandlerRequest, RequestInfo } from "../contract.ts";
import { methodNotAllowed, noResource, notAcceptable } from "../errors.ts";
import type { Metrics } from "../metrics.ts";
import { openApiAnswer } from "./openapi.ts";
import type { Registry } from "../registry/registry.ts";
import { type Answer, bytesAnswer, jsonAnswer, textAnswer } from "../response.ts";
import { versionInfo } from "../version.ts";
import type { OtherServers } from "./merged.ts";
import { Health } from "./health.ts";
import { aggregated, groupDocument, groupList, resourceList } from "./resources.ts";

const empty = (status: number): Answer => ({ status, headers: {}, body: new Uint8Array(0) });

interface Kept {
  generation: string;
  bytes: Uint8Array;
  etag: string;
  type: string;
}

export interface DocumentsOptions {
  registry: Registry;
  metrics: Metrics;
  health: Health;
  documents: ReadonlyMap<string, () => unknown>;
  /** host:port of this server, for /api. */
  address: () => string;
  /** Extension servers. */
  others: OtherServers;
}

export class Documents {
  readonly #options: DocumentsOptions;
  readonly #kept = new Map<string, Kept>();

  constructor(options: DocumentsOptions) {
    this.#options = options;
  }

  async answer(request: HandlerRequest, info: RequestInfo): Promise<Answer> {
    const path = info.path.length > 1 && info.path.endsWith("/") ? info.path.slice(0, -1) : info.path;
    const answer = await this.#find(path, request, info);
    if (!answer) {
      if (path.startsWith("/openapi/")) return empty(404);
      const [, root, group = ""] = path.split("/");
      const grouped = root === "api" || (root === "apis" && group !== "");
      if (grouped && this.#options.registry.isBuiltIn(root === "api" ? "" : group)) throw noResource();
      return textAnswer(404, "404 page not found\n");
    }
    const reads = request.method === "GET" || request.method === "HEAD";
    if (!reads && !/^\/(healthz|livez|readyz)/.test(path)) throw methodNotAllowed();
    return answer;
  }

  async #find(path: string, request: HandlerRequest, info: RequestInfo): Promise<Answer | undefined> {
    const { registry, metrics, health, documents, address, others } = this.#options;
    const parts = path.split("/");
    switch (parts[1]) {
      case "api":
        if (parts.length === 2) {
          return this.#discovery(request, path, true, () => ({
            kind: "APIVersions",
            versions: ["v1"],
            serverAddressByClientCIDRs: [{ clientCIDR: "0.0.0.0/0", serverAddress: address() }],
          }));
        }
        return parts.length === 3
          ? this.#plain(request, path, () => resourceList(registry, "", parts[2] ?? ""))
          : undefined;
      case "apis":
        if (parts.length === 2)
          return this.#discovery(request, path, false, () => groupList(registry, others));
        if (parts.length === 3)
          return this.#plain(request, path, () => groupDocument(registry, others, parts[2] ?? ""));
        return parts.length === 4
          ? this.#plain(request, path, () => resourceList(registry, parts[2] ?? "", parts[3] ?? ""))
          : undefined;
      case "version":
        return parts.length === 2 ? jsonAnswer(200, versionInfo) : undefined;
      case "openapi": {
        const found = documents.get(path);
        if (found) return jsonAnswer(200, found());
        return openApiAnswer(registry, path, request, info, others);
      }
      case "healthz":
      case "livez":
      case "readyz":
        return health.answer(path, info.query);
      case "metrics":
        return parts.length === 2
          ? bytesAnswer(200, Buffer.from(metrics.text()), "text/plain; version=0.0.4; charset=utf-8")
          : undefined;
      case "":
        if (parts.length > 2) return undefined;
        return jsonAnswer(200, { paths: this.#paths() });
      default: {
        const found = documents.get(path);
        return found ? jsonAnswer(200, found()) : undefined;
      }
    }
  }

  #paths(): string[] {
    const paths = [
      "/api",
      "/api/v1",
      "/apis",
      "/healthz",
      "/livez",
      "/metrics",
      "/openapi/v2",
      "/openapi/v3",
      "/readyz",
      "/version",
    ];
    for (const { def } of this.#options.registry.all()) {
      if (def.group !== "") paths.push(`/apis/${def.group}`, `/apis/${def.group}/${def.version}`);
    }
    for (const { group, version } of this.#options.others.served())
      if (group !== "") paths.push(`/apis/${group}`, `/apis/${group}/${version}`);
    return [...new Set(paths)].sort();
  }

  /** The aggregated form for clients that know it, else the legacy one. */
  #discovery(request: HandlerRequest, path: string, core: boolean, legacy: () => object): Answer {
    const { registry, others } = this.#options;
    const { accept } = request.headers ?? {};
    for (const { type, parameters } of parseAccept(accept ?? "")) {
      const format = formats[type];
      const { g, v, as: asked } = parameters;
      if (!format || g !== "apidiscovery.k8s.io" || asked !== "APIGroupDiscoveryList" || v !== "v2") {
        if (format && !asked) break;
        continue;
      }
      const contentType = `${mediaTypes[format]};g=${g};v=${v};as=${asked}`;
      const key = `${path} ${format} ${v}`;
      return this.#keptAnswer(request, key, format, contentType, () => aggregated(registry, others, core, v));
    }
    const { format } = this.#negotiated(accept, core);
    return this.#keptAnswer(request, `${path} ${format}`, format, mediaTypes[format], legacy);
  }

  /** `/api` refuses in other words than `/apis`. */
  #negotiated(accept: string | undefined, core: boolean): Target {
    try {
      return negotiate(accept, false);
    } catch (error) {
      throw core ? error : notAcceptable("application/json", plainOffer);
    }
  }

  #plain(request: HandlerRequest, path: string, make: () => object | undefined): Answer | undefined {
    const known = make();
    if (!known) return undefined;
    const { format } = negotiate(request.headers?.accept, false);
    return this.#keptAnswer(request, `${path} ${format}`, format, mediaTypes[format], () => known);
  }

  /** Made once per generation of the registry; a client that has it already gets 304. */
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
      const bytes = encodedBytes(make(), format, false);
      const etag = `"${createHash("sha256").update(bytes).digest("hex").toUpperCase()}"`;
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
