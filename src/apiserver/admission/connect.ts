/** Admission of what connects to a pod, a Service or a node through the API server. */
import type { KubeObject } from "../../api/index.ts";
import type { UserInfo } from "../auth-contract.ts";
import type { RequestInfo } from "../contract.ts";
import type { Core } from "../core.ts";
import type { AdmissionRequest } from "./chain.ts";

const kinds: Readonly<Record<string, string>> = {
  "pods/exec": "PodExecOptions",
  "pods/attach": "PodAttachOptions",
  "pods/portforward": "PodPortForwardOptions",
  "pods/proxy": "PodProxyOptions",
  "services/proxy": "ServiceProxyOptions",
  "nodes/proxy": "NodeProxyOptions",
};

const truths = new Set(["stdin", "stdout", "stderr", "tty"]);

/** The options of the query as the object that admission looks at. */
function optionsOf(kind: string, info: RequestInfo): KubeObject {
  const options: Record<string, unknown> = { kind, apiVersion: "v1" };
  for (const name of truths) if (/^(1|true)$/.test(info.query.get(name) ?? "")) options[name] = true;
  const container = info.query.get("container");
  if (container) options.container = container;
  const command = info.query.getAll("command");
  if (command.length > 0) options.command = command;
  const ports = info.query.getAll("ports").map(Number);
  if (ports.length > 0) options.ports = ports;
  if (kind.endsWith("ProxyOptions")) options.path = `/${info.rest}`;
  return options as KubeObject;
}

/** Undefined for what is no connection; else settles when nobody objects. Throws what refuses it. */
export async function admitConnection(core: Core, info: RequestInfo, user: UserInfo): Promise<void> {
  if (info.apiGroup !== "") return;
  const kind = kinds[`${info.resource}/${info.subresource}`];
  const resource = kind && core.registry.find("", info.apiVersion, info.resource);
  if (!kind || !resource) return;
  const request: AdmissionRequest = {
    operation: "CONNECT",
    resource,
    info,
    subresource: info.subresource,
    namespace: info.namespace,
    name: info.name,
    object: optionsOf(kind, info),
    oldObject: undefined,
    user,
    dryRun: false,
    warnings: [],
  };
  await core.admission.connect(request);
}
