import type { Pod } from "../../api/index.ts";
import { StatusError } from "../../machinery/index.ts";
import type { ObjectReader, UserInfo } from "../auth-contract.ts";
import type { RequestInfo, SpecialHandler } from "../contract.ts";
import { failureOf, type KubeletClient, unreachable } from "./kubelet-client.ts";
import { containerOf, type KubeletLocation, kubeletOfPod, podOf } from "./kubelet-location.ts";
import { tunnel, type UpgradingClient } from "./tunnel.ts";

export type StreamKind = "exec" | "attach" | "portforward";
export const isStreamKind = (text: string): text is StreamKind =>
  text === "exec" || text === "attach" || text === "portforward";

/** Options that the kubelet names differently. */
const renamed = { stdin: "input", stdout: "output", stderr: "error", tty: "tty" } as const;
const isOn = (value: string | null): boolean => value === "true" || value === "1";

function commandPath(kind: "exec" | "attach", pod: Pod, container: string, info: RequestInfo): string {
  const { query } = info;
  const phase = pod.status?.phase;
  if (phase === "Succeeded" || phase === "Failed")
    throw new StatusError(
      "BadRequest",
      kind === "exec"
        ? `cannot exec into a container in a completed pod; current phase is ${phase}`
        : `cannot attach a container in a completed pod; current phase is ${phase}`,
    );
  const wanted = new URLSearchParams();
  for (const [name, kubelet] of Object.entries(renamed)) if (isOn(query.get(name))) wanted.set(kubelet, "1");
  if (kind === "exec") {
    for (const word of query.getAll("command")) wanted.append("command", word);
    if (!wanted.has("command"))
      throw new StatusError("BadRequest", "you must specify at least 1 command to exec");
  }
  return `/${kind}/${[info.namespace, info.name, container].map(encodeURIComponent).join("/")}?${wanted}`;
}

function portForwardPath(info: RequestInfo): string {
  const wanted = new URLSearchParams();
  for (const ports of info.query.getAll("ports")) wanted.append("port", ports);
  return `/portForward/${[info.namespace, info.name].map(encodeURIComponent).join("/")}?${wanted}`;
}

/** The target of the stream. Throws why there is none. */
function destination(
  kind: StreamKind,
  info: RequestInfo,
  objects: ObjectReader,
): { location: KubeletLocation; path: string } {
  const pod = podOf(objects, info.namespace, info.name);
  if (kind === "portforward") return { location: kubeletOfPod(objects, pod), path: portForwardPath(info) };
  const container = containerOf(pod, info.query.get("container") ?? "");
  const location = kubeletOfPod(objects, pod);
  return { location, path: commandPath(kind, pod, container, info) };
}

/** Connects exec, attach and portforward to the pod's kubelet. Throws when there is no target. */
export function streamToKubelet(
  kubelet: KubeletClient,
  client: UpgradingClient,
  kind: StreamKind,
  info: RequestInfo,
  objects: ObjectReader,
): void {
  const { location, path } = destination(kind, info, objects);
  tunnel(
    client,
    { secure: true, options: kubelet.options(location, true), path },
    (answer) => failureOf(answer, kind),
    (cause) => unreachable(location, path, cause),
  );
}

const kinds = { exec: "PodExecOptions", attach: "PodAttachOptions", portforward: "PodPortForwardOptions" };

/**
 * The answer of these subresources to requests without an upgrade; discovery reads their kinds here. `mayCreate`: rejects users
 * that may `get` but not `create`.
 */
export function streamHandler(
  kind: StreamKind,
  mayCreate: (user: UserInfo, info: RequestInfo) => Promise<void> = async () => {},
): SpecialHandler {
  return {
    group: "",
    version: "v1",
    kind: kinds[kind],
    namespaced: true,
    verbs: ["create", "get"],
    async handle({ info, objects, user }) {
      await mayCreate(user, info);
      destination(kind, info, objects);
      throw new StatusError("BadRequest", "Upgrade request required");
    },
  };
}
