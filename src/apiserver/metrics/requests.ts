/** apiserver_request_*: requests answered by this server. */
import type { RequestInfo } from "../contract.ts";
import type { MetricsRegistry } from "./registry.ts";
import { type Counter, exponentialBounds, type Gauge, type Histogram } from "./values.ts";

const durations = [
  0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60,
];
const indicatorDurations = durations.slice(2);

const about = ["verb", "group", "version", "resource", "subresource", "scope", "component"];
const applyType = "application/apply-patch+yaml";
const connects = new Set(["attach", "exec", "log", "portforward", "proxy"]);
const methods = new Set(["APPLY", "CONNECT", "DELETE", "GET", "LIST", "PATCH", "POST", "PUT", "WATCH"]);
/** Writes with field validation. */
const validated = new Set(["create", "update", "patch"]);
/** Non-resource paths whose requests are counted, and their component. */
const plainPaths: Readonly<Record<string, string>> = {
  api: "apiserver",
  apis: "apiserver",
  "openapi/v2": "",
  "openapi/v3": "",
  "openapi/v3/": "",
  "/healthz": "",
  "/livez": "",
  "/readyz": "",
};

/** The series of requests with the same labels. */
interface Series {
  labels: readonly string[];
  dryRun: string;
  codes: Map<number, Counter>;
  duration: Histogram;
  indicator: Histogram | undefined;
  size: Histogram | undefined;
  body: Histogram | undefined;
}

export interface Served {
  method: string;
  contentType: string | undefined;
  info: RequestInfo;
  code: number;
  /** From arrival until the answer was ready, and the part of it spent elsewhere (webhooks, queues). */
  ms: number;
  othersMs: number;
  /** Size of the answer; undefined for a stream. */
  bytes: number | undefined;
  /** Size of the request's body. */
  bodyBytes: number;
  /** A request of the server to itself. */
  own: boolean;
}

export class RequestMetrics {
  readonly #counts;
  readonly #durations;
  readonly #indicators;
  readonly #sizes;
  readonly #terminations;
  readonly #afterTimeout;
  readonly #aborts;
  readonly #validations;
  readonly #lasting;
  readonly #own;
  readonly #deprecated;
  readonly #bodies;
  readonly #series = new Map<string, Series>();

  constructor(registry: MetricsRegistry) {
    const [verb, ...others] = about as [string, ...string[]];
    const withDryRun = [verb, "dry_run", ...others];
    this.#counts = registry.counter({
      name: "apiserver_request_total",
      help: "Requests by what they asked for and how they were answered.",
      stability: "STABLE",
      labels: [...withDryRun, "code"],
    });
    this.#durations = registry.histogram({
      name: "apiserver_request_duration_seconds",
      help: "Time until the answer was made.",
      stability: "STABLE",
      labels: withDryRun,
      bounds: durations,
    });
    this.#indicators = registry.histogram({
      name: "apiserver_request_sli_duration_seconds",
      help: "Time until the answer was made, without webhooks and waiting in queues.",
      stability: "ALPHA",
      labels: about,
      bounds: indicatorDurations,
    });
    this.#sizes = registry.histogram({
      name: "apiserver_response_sizes",
      help: "Bytes of answers to reading requests.",
      stability: "STABLE",
      labels: about,
      bounds: exponentialBounds(1000, 10, 7),
    });
    this.#terminations = registry.counter({
      name: "apiserver_request_terminations_total",
      help: "Requests that the server ended to protect itself.",
      stability: "ALPHA",
      labels: [...about, "code"],
    });
    this.#afterTimeout = registry.counter({
      name: "apiserver_request_post_timeout_total",
      help: "Requests that were worked on after their time was up, by what became of them.",
      stability: "ALPHA",
      labels: ["source", "status"],
    });
    this.#aborts = registry.counter({
      name: "apiserver_request_aborts_total",
      help: "Requests whose client did not wait for the answer.",
      stability: "ALPHA",
      labels: about.slice(0, -1),
    });
    const validations = registry.histogram({
      name: "field_validation_request_duration_seconds",
      help: "Time that writes took, by what was made of fields that nobody knows.",
      stability: "ALPHA",
      labels: ["field_validation"],
      bounds: durations.slice(2),
    });
    this.#validations = {
      Strict: validations.with("Strict"),
      Warn: validations.with("Warn"),
      Ignore: validations.with("Ignore"),
    };
    this.#lasting = registry.gauge({
      name: "apiserver_longrunning_requests",
      help: "Requests that last: watches and connections to pods.",
      stability: "STABLE",
      labels: about,
    });
    this.#own = registry.counter({
      name: "apiserver_selfrequest_total",
      help: "Requests of the server to itself.",
      stability: "ALPHA",
      labels: ["verb", "group", "resource", "subresource"],
    });
    this.#deprecated = registry.gauge({
      name: "apiserver_requested_deprecated_apis",
      help: "What was asked for and will be gone.",
      stability: "STABLE",
      labels: ["group", "version", "resource", "subresource", "removed_release"],
    });
    this.#bodies = registry.histogram({
      name: "apiserver_request_body_size_bytes",
      help: "Bytes of what was sent.",
      stability: "ALPHA",
      labels: ["verb", "group", "resource"],
      bounds: Array.from({ length: 31 }, (_, i) => 50_000 + i * 100_000),
    });
  }

  observe(served: Served): void {
    const { method, contentType, info, code, ms, othersMs, bytes } = served;
    const series = this.#find(method, contentType, info);
    if (!series) return;
    let count = series.codes.get(code);
    if (!count) {
      const [verb = "", ...others] = series.labels;
      count = this.#counts.with(verb, series.dryRun, ...others, String(code));
      series.codes.set(code, count);
    }
    count.add();
    series.duration.observe(ms / 1000);
    series.indicator?.observe((ms - othersMs) / 1000);
    if (bytes !== undefined) series.size?.observe(bytes);
    if (served.bodyBytes > 0 && info.isResource) {
      if (validated.has(info.verb)) {
        const given = info.query.size === 0 ? "Warn" : info.query.get("fieldValidation");
        this.#validations[given === "Strict" || given === "Ignore" ? given : "Warn"].observe(ms / 1000);
      }
      series.body ??= this.#bodies.with(info.verb, info.apiGroup, info.resource);
      series.body.observe(served.bodyBytes);
    }
    if (served.own) {
      const [verb = "", group = "", , resource = "", subresource = ""] = series.labels;
      this.#own.with(verb, group, resource, subresource).add();
    }
  }

  /** A deprecated version was used; with the release that removes it, if known. */
  deprecated({ apiGroup, apiVersion, resource, subresource }: RequestInfo, removedRelease: string): void {
    this.#deprecated.with(apiGroup, apiVersion, resource, subresource, removedRelease).set(1);
  }

  /** The client disconnected before the answer. */
  aborted(method: string, contentType: string | undefined, info: RequestInfo): void {
    const labels = labelsOf(method, contentType, info, info.name) ?? [method, "", "", "", "", ""];
    // Not by path, which would make too many series.
    const [verb = "", group = "", version = "", resource = "", subresource = "", scope = ""] = labels;
    if (info.isResource) this.#aborts.with(verb, group, version, resource, subresource, scope).add();
    else this.#aborts.with(verb, "", "", "", "", "").add();
  }

  /** A request was rejected before it was processed. */
  dropped(
    method: string,
    contentType: string | undefined,
    info: RequestInfo,
    name: string,
    code: number,
  ): void {
    const known = this.terminated(method, contentType, info, name, code);
    const [verb = "", ...others] = known;
    this.#counts
      .with(
        verb,
        dryRunOf(info),
        ...(info.isResource ? others : ["", "", "", "", "", "apiserver"]),
        String(code),
      )
      .add();
  }

  /** A request was terminated. Returns its labels. */
  terminated(
    method: string,
    contentType: string | undefined,
    info: RequestInfo,
    name: string,
    code: number,
  ): readonly string[] {
    const labels = labelsOf(method, contentType, info, name) ?? ["GET", "", "", "", info.path, "", ""];
    const known = [...labels.slice(0, 6), "apiserver"];
    this.#terminations.with(...known, String(code)).add();
    return known;
  }

  /** Work on a request ended after its timeout was answered. */
  afterTimeout(source: "timeout-handler" | "rest-handler", failed: boolean): void {
    this.#afterTimeout.with(source, failed ? "error" : "ok").add();
  }

  /** The gauge of long-running requests like this. */
  lasting(
    method: string,
    contentType: string | undefined,
    info: RequestInfo,
    name: string,
  ): Gauge | undefined {
    const labels = labelsOf(method, contentType, info, name);
    return labels && this.#lasting.with(...labels);
  }

  #find(method: string, contentType: string | undefined, info: RequestInfo): Series | undefined {
    const dryRun = dryRunOf(info);
    const { isResource, verb: asked, apiGroup, apiVersion, resource, subresource } = info;
    const apply = contentType === applyType ? "A" : "";
    const scope = info.name !== "" ? "N" : info.namespace !== "" ? "n" : "";
    const place = isResource ? `${apiGroup}/${apiVersion}/${resource}/${subresource}` : plainPlace(info.path);
    const key = `${method} ${asked} ${place} ${scope}${apply} ${dryRun}`;
    let series = this.#series.get(key);
    if (!series) {
      const labels = labelsOf(method, contentType, info, info.name);
      if (!labels) return undefined;
      const [verb = "", ...others] = labels;
      series = {
        labels,
        dryRun,
        codes: new Map(),
        duration: this.#durations.with(verb, dryRun, ...others),
        indicator: dryRun === "" ? this.#indicators.with(...labels) : undefined,
        size: verb === "GET" || verb === "LIST" ? this.#sizes.with(...labels) : undefined,
        body: undefined,
      };
      this.#series.set(key, series);
    }
    return series;
  }
}

/**
 * `name`: the single object it concerns; for long-running requests also by a field selector. Undefined for non-resource paths
 * that are not counted.
 */
function labelsOf(
  method: string,
  contentType: string | undefined,
  info: RequestInfo,
  name: string,
): readonly string[] | undefined {
  if (!info.isResource) {
    const place = plainPlace(info.path);
    const component = plainPaths[place];
    if (component === undefined) return undefined;
    return [method === "GET" ? "GET" : "other", "", "", "", place, "", component];
  }
  const { apiGroup, apiVersion, resource, subresource, namespace, verb } = info;
  const scope = name !== "" || verb === "create" ? "resource" : namespace !== "" ? "namespace" : "cluster";
  return [
    reportedVerb(method, contentType, info, scope),
    apiGroup,
    apiVersion,
    resource,
    subresource,
    scope,
    "apiserver",
  ];
}

function plainPlace(path: string): string {
  if (path === "/api" || path === "/apis" || path === "/openapi/v2" || path === "/openapi/v3")
    return path.slice(1);
  if (path.startsWith("/openapi/v3/")) return "openapi/v3/";
  return /^\/(?:healthz|livez|readyz)/.exec(path)?.[0] ?? path;
}

function reportedVerb(
  method: string,
  contentType: string | undefined,
  { verb, subresource }: RequestInfo,
  scope: string,
): string {
  if (subresource !== "" && connects.has(subresource)) return "CONNECT";
  if (verb === "watch") return "WATCH";
  if (method === "PATCH") return contentType === applyType ? "APPLY" : "PATCH";
  if (method === "GET" || method === "HEAD") return scope === "resource" ? "GET" : "LIST";
  return methods.has(method) ? method : "other";
}

function dryRunOf({ query }: RequestInfo): string {
  if (query.size === 0) return "";
  const given = query.getAll("dryRun");
  if (given.length === 0) return "";
  return given.every((each) => each === "All") ? "All" : "invalid";
}
