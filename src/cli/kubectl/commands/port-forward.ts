import { createServer, type Server, type Socket } from "node:net";
import { pipeline } from "node:stream/promises";
import type { Pod, Service } from "../../../api/index.ts";
import { openPortForward } from "../../../client/index.ts";
import { UsageError } from "../../flags.ts";
import type { Command, Context } from "../command.ts";
import { pathOf } from "../mapper.ts";
import { podOf } from "../pods.ts";

export const command: Command = {
  summary: "Forwards local ports to a pod.",
  usage: "port-forward (POD | TYPE/NAME) [LOCAL:]REMOTE... [--address ADDRESS]",
  flags: [
    { long: "address", type: "list", help: "local addresses to listen on, default localhost" },
    { long: "pod-running-timeout", type: "string", help: "accepted for compatibility" },
  ],
  async run(context, { flags, args }) {
    const [word, ...specs] = args;
    if (!word || specs.length === 0)
      throw new UsageError("TYPE/NAME and list of ports are required for port-forward");
    const pod = await podOf(context, word);
    if (pod.status?.phase !== "Running") {
      throw new Error(
        `unable to forward port because pod is not running. Current status=${pod.status?.phase}`,
      );
    }
    const addresses = flags
      .list("address")
      .flatMap((text) => text.split(","))
      .map((a) => (a === "localhost" ? "127.0.0.1" : a));
    const service = await serviceOf(context, word);
    const servers: Server[] = [];
    for (const spec of specs) {
      const [first = "", second] = spec.split(":");
      const remoteText = second ?? first;
      const remote = targetPort(pod, service, remoteText);
      const wanted =
        second === undefined
          ? /^\d+$/.test(first)
            ? Number(first)
            : remote
          : Number(first === "" ? 0 : first);
      for (const address of addresses.length > 0 ? addresses : ["127.0.0.1"]) {
        const server = createServer((socket) => forward(context, pod, remote, socket));
        const local = await listen(server, wanted, address);
        servers.push(server);
        context.io.out(
          `Forwarding from ${address.includes(":") ? `[${address}]` : address}:${local} -> ${remote}\n`,
        );
      }
    }
    await new Promise<void>((resolve) => {
      if (context.signal.aborted) resolve();
      context.signal.addEventListener("abort", () => resolve(), { once: true });
    });
    for (const server of servers) server.close();
    return 0;
  },
};

async function serviceOf(context: Context, word: string): Promise<Service | undefined> {
  const [type = "", name] = word.split("/");
  if (name === undefined) return undefined;
  const resource = await context.mapper.require(type);
  if (resource.kind !== "Service") return undefined;
  return context.session.get<Service>(pathOf(resource, context.session.namespace, name));
}

/** A container port by number or name; for a Service, the port's target. */
function targetPort(pod: Pod, service: Service | undefined, text: string): number {
  let wanted: string | number = text;
  if (service) {
    const port = (service.spec?.ports ?? []).find((one) => String(one.port) === text || one.name === text);
    if (!port) throw new Error(`Service ${service.metadata?.name} does not have a service port ${text}`);
    wanted = port.targetPort ?? port.port;
  }
  if (/^\d+$/.test(String(wanted))) return Number(wanted);
  for (const container of pod.spec?.containers ?? []) {
    const found = container.ports?.find((port) => port.name === wanted);
    if (found) return found.containerPort;
  }
  throw new Error(`Pod '${pod.metadata?.name}' does not have a named port '${wanted}'`);
}

function listen(server: Server, port: number, address: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(
        new Error(
          error.code === "EADDRINUSE"
            ? `unable to listen on port ${port}: it is taken on ${address}`
            : error.message,
        ),
      ),
    );
    server.listen(port, address, () => {
      const bound = server.address();
      resolve(typeof bound === "object" && bound ? bound.port : port);
    });
  });
}

function forward(context: Context, pod: Pod, port: number, socket: Socket): void {
  context.io.out(`Handling connection for ${port}\n`);
  socket.on("error", () => {});
  const namespace = pod.metadata?.namespace ?? context.session.namespace;
  openPortForward(context.connection, namespace, pod.metadata?.name ?? "", port, context.signal)
    .then((far) => Promise.all([pipeline(socket, far), pipeline(far, socket)]))
    .catch((error: unknown) => {
      socket.destroy();
      // A client that disconnects is no error.
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "ERR_STREAM_PREMATURE_CLOSE" && code !== "ECONNRESET" && !context.signal.aborted) {
        context.io.err(
          `error forwarding port ${port} to pod ${pod.metadata?.name}: ${(error as Error).message}\n`,
        );
      }
    });
}
