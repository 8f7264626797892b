/** The condition Available of APIServices: whether there is an endpoint that answers. */
import type { APIService, APIServiceCondition, Service } from "../../api/index.ts";
import type { Outcome } from "../../client/index.ts";
import { settled } from "../../client/index.ts";
import { deepEqual } from "../../machinery/index.ts";
import { type Core, nowTime } from "../core.ts";
import { isReady, slicesOf } from "../network/service-endpoint.ts";
import type { ServedResource } from "../registry/resource.ts";
import { type Extension, extensionOf, rootPath } from "./extension.ts";
import type { ExtensionClient } from "./extension-client.ts";
import { changeService } from "./server-writes.ts";

/** Network failures cause no event, so servers are checked periodically. */
const checkAgainMs = 30_000;
const firstRetryMs = 5;
const longestRetryMs = 30_000;
/** Several, since an endpoint of the Service may be terminating. */
const attempts = 5;
const attemptMs = 5000;

const aggregator = { name: "system:kube-aggregator", groups: ["system:masters"] };

export type Verdict = Pick<APIServiceCondition, "status" | "reason" | "message">;

const localVerdict: Verdict = {
  status: "True",
  reason: "Local",
  message: "Local APIServices are always available",
};

const missing = (reason: string, message: string): Verdict => ({ status: "False", reason, message });

/** Why it is unavailable by stored objects alone; undefined when nothing is wrong with them. */
export function obstacle(core: Pick<Core, "caches">, extension: Extension): Verdict | undefined {
  const { namespace, name, port } = extension.service;
  const what = `service/${name} in ${JSON.stringify(namespace)}`;
  const service = core.caches.get<Service>("", "services", namespace, name);
  if (!service) return missing("ServiceNotFound", `${what} is not present`);
  if ((service.spec?.type ?? "ClusterIP") !== "ClusterIP") return undefined;
  const found = service.spec?.ports?.find((each) => each.port === port);
  if (!found) return missing("ServicePortError", `${what} is not listening on port ${port}`);
  const slices = slicesOf(core.caches, namespace, name);
  if (slices.length === 0) return missing("EndpointsNotFound", `cannot find endpointslices for ${what}`);
  const portName = found.name ?? "";
  const reachable = slices.some(
    ({ endpoints, ports }) =>
      (endpoints ?? []).some(isReady) &&
      (ports ?? []).some((each) => (each.name ?? "") === portName && each.port !== undefined),
  );
  if (reachable) return undefined;
  return missing(
    "MissingEndpoints",
    `endpointslices for ${what} have no addresses with port name ${JSON.stringify(portName)}`,
  );
}

/** Requests its discovery document; when all attempts fail, the last error counts. */
async function ask(client: ExtensionClient, extension: Extension, signal: AbortSignal): Promise<Verdict> {
  const path = rootPath(extension);
  const attempt = async (): Promise<void> => {
    const endpoint = client.endpoint(extension);
    const url = `https://${endpoint.host.includes(":") ? `[${endpoint.host}]` : endpoint.host}:${endpoint.port}${path}`;
    let status: number;
    try {
      const answer = await client.send(extension, endpoint, {
        method: "GET",
        path,
        user: aggregator,
        signal,
        timeoutMs: attemptMs,
      });
      status = answer.statusCode ?? 0;
      answer.resume();
    } catch (cause) {
      const why = `Get ${JSON.stringify(url)}: ${(cause as Error).message}`;
      throw new Error(`failing or missing response from ${url}: ${why}`, { cause });
    }
    if (status < 200 || status >= 300)
      throw new Error(`failing or missing response from ${url}: bad status from ${url}: ${status}`);
  };
  try {
    await Promise.any(Array.from({ length: attempts }, attempt));
  } catch (error) {
    const last = (error as AggregateError).errors.at(-1) as Error;
    return missing("FailedDiscoveryCheck", last.message);
  }
  return { status: "True", reason: "Passed", message: "all checks passed" };
}

/** The conditions with this verdict; the transition time changes only with the status. */
export function withVerdict(
  conditions: readonly APIServiceCondition[],
  verdict: Verdict,
  now: string,
): APIServiceCondition[] {
  const made = (before: APIServiceCondition | undefined): APIServiceCondition => ({
    ...before,
    type: "Available",
    lastTransitionTime: before?.status === verdict.status ? (before.lastTransitionTime ?? now) : now,
    ...verdict,
  });
  if (!conditions.some(({ type }) => type === "Available")) return [...conditions, made(undefined)];
  return conditions.map((each) => (each.type === "Available" ? made(each) : each));
}

export class Availability {
  readonly #core: Core;
  readonly #resource: ServedResource;
  readonly #client: ExtensionClient;
  readonly #failures = new Map<string, number>();

  constructor(core: Core, resource: ServedResource, client: ExtensionClient) {
    this.#core = core;
    this.#resource = resource;
    this.#client = client;
  }

  async reconcile(object: APIService, signal: AbortSignal): Promise<Outcome> {
    const name = object.metadata?.name ?? "";
    const extension = extensionOf(object);
    if (!extension) {
      this.#failures.delete(name);
      await this.#write(object, localVerdict);
      return settled;
    }
    const seen = obstacle(this.#core, extension);
    const verdict = seen ?? (await ask(this.#client, extension, signal));
    if (signal.aborted) return settled;
    await this.#write(object, verdict);
    // Changes of the Service or its endpoints cause events; only a request shows whether a server answers.
    if (verdict.reason !== "FailedDiscoveryCheck") {
      this.#failures.delete(name);
      return { kind: "again", afterMs: checkAgainMs, why: "it may stop answering" };
    }
    const failures = this.#failures.get(name) ?? 0;
    this.#failures.set(name, failures + 1);
    const afterMs = Math.min(firstRetryMs * 2 ** Math.min(failures, 20), longestRetryMs);
    return { kind: "again", afterMs, why: verdict.message ?? "" };
  }

  forget(name: string): void {
    this.#failures.delete(name);
  }

  async #write(object: APIService, verdict: Verdict): Promise<void> {
    const now = nowTime(this.#core.clock);
    const conditions = object.status?.conditions ?? [];
    if (deepEqual(withVerdict(conditions, verdict, now), conditions)) return;
    await changeService(this.#core, this.#resource, object.metadata?.name ?? "", "status", (fresh) => {
      fresh.status = {
        ...fresh.status,
        conditions: withVerdict(fresh.status?.conditions ?? [], verdict, now),
      };
    });
  }
}
