import type { KubeObject } from "../../../api/index.ts";
import { UsageError } from "../../flags.ts";
import { type Command, dryRunFlags, filenameFlags, outputFlags } from "../command.ts";
import { objectsOf, targetsOf } from "../targets.ts";
import { createObject } from "./create.ts";

interface Exposable extends KubeObject {
  spec?: {
    selector?: { matchLabels?: Record<string, string> } & Record<string, unknown>;
    template?: { spec?: { containers?: { ports?: { containerPort: number; protocol?: string }[] }[] } };
    containers?: { ports?: { containerPort: number; protocol?: string }[] }[];
    ports?: { port: number; protocol?: string }[];
  };
}

export const command: Command = {
  summary: "Makes a Service for a Pod, Deployment, ReplicaSet, ReplicationController or Service.",
  usage: "expose (TYPE NAME | TYPE/NAME | -f FILE) [--port=P] [--target-port=P] [--type=TYPE] [flags]",
  flags: [
    ...filenameFlags,
    ...outputFlags,
    ...dryRunFlags,
    { long: "name", type: "string", help: "name of the Service" },
    { long: "port", type: "string", help: "port of the Service" },
    { long: "target-port", type: "string", help: "port or port name of the pods" },
    { long: "protocol", type: "string", help: "TCP, UDP or SCTP" },
    { long: "type", type: "string", help: "ClusterIP, NodePort, LoadBalancer or ExternalName" },
    { long: "selector", type: "string", help: "labels of the pods, KEY=VALUE with commas" },
    { long: "cluster-ip", type: "string", help: "a fixed address, or None" },
    { long: "external-ip", type: "string", help: "an outside address that is routed to the node" },
    { long: "load-balancer-ip", type: "string", help: "address of the load balancer" },
    { long: "session-affinity", type: "string", help: "None or ClientIP" },
    { long: "labels", short: "l", type: "string", help: "labels of the Service" },
  ],
  async run(context, { flags, args }) {
    const targets = await targetsOf(context.mapper, context.session, args, flags);
    if (targets.length === 0 || targets.some((target) => target.name === undefined)) {
      throw new UsageError(
        "one or more resources must be specified as <resource> <name> or <resource>/<name>",
      );
    }
    const services = await context.mapper.require("services");
    for (const { name, namespace, object } of await objectsOf(context.session, targets, flags)) {
      const source = object as Exposable;
      const selector = flags.has("selector") ? labelsOf(flags.text("selector") ?? "") : selectorOf(source);
      if (!selector || Object.keys(selector).length === 0) {
        throw new Error(
          `couldn't retrieve selectors via --selector flag or introspection: the ${source.kind} has none`,
        );
      }
      const found = portsOf(source);
      const given = flags
        .text("port")
        ?.split(",")
        .map((text) => ({ port: Number(text), protocol: flags.text("protocol") ?? "TCP" }));
      const ports = given ?? found;
      if (ports.length === 0) throw new Error("couldn't find port via --port flag or introspection");
      const target = flags.text("target-port");
      const targetPort = target === undefined ? undefined : /^\d+$/.test(target) ? Number(target) : target;
      await createObject(
        context,
        flags,
        services,
        namespace,
        {
          apiVersion: "v1",
          kind: "Service",
          metadata: {
            name: flags.text("name") ?? name,
            labels: flags.has("labels") ? labelsOf(flags.text("labels") ?? "") : object.metadata?.labels,
          },
          spec: {
            selector,
            ports: ports.map(({ port, protocol }, at) => ({
              ...(ports.length > 1 ? { name: `port-${at + 1}` } : {}),
              port,
              protocol: flags.text("protocol") ?? protocol,
              targetPort: targetPort ?? port,
            })),
            ...(flags.has("type") ? { type: flags.text("type") } : {}),
            ...(flags.has("cluster-ip") ? { clusterIP: flags.text("cluster-ip") } : {}),
            ...(flags.has("external-ip") ? { externalIPs: [flags.text("external-ip")] } : {}),
            ...(flags.has("load-balancer-ip") ? { loadBalancerIP: flags.text("load-balancer-ip") } : {}),
            ...(flags.has("session-affinity") ? { sessionAffinity: flags.text("session-affinity") } : {}),
          },
        } as KubeObject,
        "exposed",
      );
    }
    return 0;
  },
};

function labelsOf(text: string): Record<string, string> {
  return Object.fromEntries(
    text
      .split(",")
      .filter(Boolean)
      .map((pair) => pair.split("=", 2) as [string, string]),
  );
}

function selectorOf(source: Exposable): Record<string, string> | undefined {
  if (source.kind === "Pod") return source.metadata?.labels;
  const selector = source.spec?.selector;
  return selector?.matchLabels ?? (selector as Record<string, string> | undefined);
}

function portsOf(source: Exposable): { port: number; protocol: string }[] {
  if (source.kind === "Service") {
    return (source.spec?.ports ?? []).map(({ port, protocol }) => ({ port, protocol: protocol ?? "TCP" }));
  }
  const containers = source.spec?.template?.spec?.containers ?? source.spec?.containers ?? [];
  return containers
    .flatMap((container) => container.ports ?? [])
    .map(({ containerPort, protocol }) => ({ port: containerPort, protocol: protocol ?? "TCP" }));
}
