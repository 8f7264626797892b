/** Admission of connections to pods, Services and nodes through the API server. */
import type { KubeObject } from "../../api/index.ts";
import { deepEqual, goQuote } from "../../machinery/index.ts";
import type { UserInfo } from "../auth-contract.ts";
import type { HandlerRequest, RequestInfo } from "../contract.ts";
import type { Core } from "../core.ts";
import { badRequest } from "../errors.ts";
import { isTrue } from "../request-info.ts";
import { admissionOf } from "./request.ts";

const kinds: Readonly<Record<string, string>> = {
  "pods/exec": "PodExecOptions",
  "pods/attach": "PodAttachOptions",
  "pods/portforward": "PodPortForwardOptions",
  "pods/proxy": "PodProxyOptions",
  "services/proxy": "ServiceProxyOptions",
  "nodes/proxy": "NodeProxyOptions",
};

const truths = new Set(["stdin", "stdout", "stderr", "tty"]);

/** Throws BadRequest for an invalid port. */
function portOf(text: string): number {
  const why = !/^\d+$/.test(text) ? "invalid syntax" : Number(text) > 65535 ? "value out of range" : "";
  if (why === "") return Number(text);
  throw badRequest(`cannot convert to []int32: strconv.ParseUint: parsing ${goQuote(text)}: ${why}`);
}

/** The options of the query as the object of the request. */
function optionsOf(kind: string, info: RequestInfo): KubeObject {
  const options: Record<string, unknown> = { kind, apiVersion: "v1" };
  for (const name of truths) if (isTrue(info.query.get(name))) options[name] = true;
  const container = info.query.get("container");
  if (container) options.container = container;
  const command = info.query.getAll("command");
  if (command.length > 0) options.command = command;
  const ports = info.query.getAll("ports").flatMap((each) => each.split(",").map(portOf));
  if (ports.length > 0) options.ports = ports;
  // An empty path after /proxy stays empty; it does not become the root.
  const below = info.rest !== "" || info.path.endsWith("/");
  if (kind.endsWith("ProxyOptions") && below) options.path = `/${info.rest}`;
  return options as KubeObject;
}

/** The request with these options. */
function withOptions(info: RequestInfo, options: KubeObject): RequestInfo {
  const { path, ...rest } = options as KubeObject & Record<string, unknown>;
  const query = new URLSearchParams(info.query);
  for (const name of [...truths, "container", "command", "ports"]) query.delete(name);
  for (const [name, value] of Object.entries(rest)) {
    if (name === "kind" || name === "apiVersion") continue;
    for (const each of Array.isArray(value) ? value : [value]) query.append(name, String(each));
  }
  return { ...info, query, ...(typeof path === "string" ? { rest: path.replace(/^\//, "") } : {}) };
}

/**
 * Admits a connection and returns the request with the options as plugins changed them; undefined when it is not a connection.
 * Throws a refusal.
 */
export async function admitConnection(
  core: Core,
  handled: HandlerRequest,
  info: RequestInfo,
  user: UserInfo,
  warnings: string[],
): Promise<RequestInfo | undefined> {
  if (info.apiGroup !== "") return undefined;
  const kind = kinds[`${info.resource}/${info.subresource}`];
  const resource = kind && core.registry.find("", info.apiVersion, info.resource);
  if (!kind || !resource) return undefined;
  const { query, subresource, namespace, name } = info;
  if (query.has("dryRun")) throw badRequest("dryRun is not supported");
  const options = optionsOf(kind, info);
  const request = admissionOf(
    { resource, info, user, request: handled, dryRun: false, warnings },
    {
      operation: "CONNECT",
      subresource,
      namespace,
      name,
      kind: { group: "", version: "v1", kind },
      object: structuredClone(options),
      options: null,
    },
  );
  await core.admission.connect(request);
  return deepEqual(request.object, options) ? info : withOptions(info, request.object as KubeObject);
}
