import type { Container, HTTPGetAction, Pod, Probe } from "../../api/index.ts";
import { CriError, type RuntimeService } from "../../cri/index.ts";
import type { Clock } from "../../machinery/index.ts";
import { expandVariables } from "../containers/expansion.ts";
import { probeGrpc } from "./grpc.ts";
import { type HttpTarget, probeHttp } from "./http.ts";
import type { ProbeOutcome } from "./outcome.ts";
import { probeTcp } from "./tcp.ts";

export interface ProbeTarget {
  pod: Pod;
  container: Container;
  containerId: string;
  podIp: string;
}

const shownOutput = 1024;

/** Runs one probe of any kind. Never rejects. */
export async function runProbe(
  runtime: RuntimeService,
  clock: Clock,
  probe: Probe,
  target: ProbeTarget,
): Promise<ProbeOutcome> {
  const timeoutMs = (probe.timeoutSeconds || 1) * 1000;
  try {
    if (probe.exec)
      return await probeExec(runtime, probe.exec.command ?? [], probe.timeoutSeconds || 1, target);
    if (probe.httpGet) return await probeHttp(httpTarget(probe.httpGet, target, timeoutMs), clock);
    if (probe.tcpSocket) {
      const port = resolvePort(probe.tcpSocket.port, target.container);
      return await probeTcp(probe.tcpSocket.host || target.podIp, port, timeoutMs, clock);
    }
    if (probe.grpc)
      return await probeGrpc(target.podIp, probe.grpc.port, probe.grpc.service ?? "", timeoutMs, clock);
    return { result: "unknown", output: `missing probe handler for ${target.container.name}` };
  } catch (cause) {
    return { result: "unknown", output: cause instanceof Error ? cause.message : String(cause) };
  }
}

async function probeExec(
  runtime: RuntimeService,
  command: string[],
  timeoutSeconds: number,
  target: ProbeTarget,
): Promise<ProbeOutcome> {
  const env = new Map((target.container.env ?? []).map((e) => [e.name, e.value ?? ""]));
  const expanded = command.map((word) => expandVariables(word, (name) => env.get(name)));
  try {
    const done = await runtime.execSync(target.containerId, expanded, timeoutSeconds);
    const output = Buffer.concat([done.stdout, done.stderr]).subarray(0, shownOutput).toString("utf8");
    return { result: done.exitCode === 0 ? "success" : "failure", output };
  } catch (cause) {
    if (cause instanceof CriError && cause.code === "DeadlineExceeded") {
      return {
        result: "failure",
        output: `command timed out: "${expanded.join(" ")}" timed out after ${timeoutSeconds}s`,
      };
    }
    throw cause;
  }
}

/** The target of an httpGet action of a probe or a hook. */
export function httpTarget(
  action: HTTPGetAction,
  target: Pick<ProbeTarget, "container" | "podIp">,
  timeoutMs: number,
): HttpTarget {
  return {
    host: action.host || target.podIp,
    port: resolvePort(action.port, target.container),
    path: action.path || "/",
    tls: action.scheme?.toUpperCase() === "HTTPS",
    headers: action.httpHeaders ?? [],
    timeoutMs,
  };
}

/** A number, a number in text, or the name of one of the container's ports. */
export function resolvePort(port: number | string, container: Container): number {
  if (typeof port === "number") return port;
  const named = (container.ports ?? []).find((p) => p.name === port);
  if (named) return named.containerPort;
  if (/^\d+$/.test(port)) return Number(port);
  throw new Error(`couldn't find port: ${port} in container ${container.name}`);
}
