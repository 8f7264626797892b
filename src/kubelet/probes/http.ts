import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Clock } from "../../machinery/index.ts";
import type { ProbeOutcome } from "./outcome.ts";

export interface HttpTarget {
  host: string;
  port: number;
  path: string;
  tls: boolean;
  headers: readonly { name: string; value: string }[];
  timeoutMs: number;
}

const maxBody = 10 * 1024;
const maxRedirects = 10;

/** GET; 200 to 399 is success. A redirect to another host counts as success and is not followed. */
export async function probeHttp(
  target: HttpTarget,
  clock: Clock,
  userAgent = "kube-probe/1.36",
): Promise<ProbeOutcome> {
  const stop = new AbortController();
  const timer = clock.timer(target.timeoutMs, () => stop.abort());
  try {
    let path = target.path;
    for (let hop = 0; ; hop++) {
      const answer = await get({ ...target, path }, stop.signal, userAgent);
      const next = hop < maxRedirects ? sameHostRedirect(target, path, answer) : undefined;
      if (next !== undefined) {
        path = next;
        continue;
      }
      if (answer.status >= 200 && answer.status < 400) return { result: "success", output: answer.body };
      return {
        result: "failure",
        output: `HTTP probe failed with statuscode: ${answer.status}`,
        answered: true,
      };
    }
  } catch (cause) {
    const url = `${target.tls ? "https" : "http"}://${hostText(target.host)}:${target.port}${target.path}`;
    const why = stop.signal.aborted
      ? "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
      : dialError(cause, target.host, target.port);
    return { result: "failure", output: `Get "${url}": ${why}` };
  } finally {
    timer.stop();
  }
}

interface Answer {
  status: number;
  location: string | undefined;
  body: string;
}

function get(target: HttpTarget, signal: AbortSignal, userAgent: string): Promise<Answer> {
  const headers: Record<string, string[]> = {
    "User-Agent": [userAgent],
    Accept: ["*/*"],
    Connection: ["close"],
  };
  for (const { name, value } of target.headers) {
    const known = Object.keys(headers).find((h) => h.toLowerCase() === name.toLowerCase());
    const defaulted = known === "User-Agent" || known === "Accept";
    if (defaulted && known) delete headers[known];
    // An empty value removes a default header.
    if (value === "" && defaulted) continue;
    headers[name] = [...(headers[name] ?? []), value];
  }
  return new Promise((resolve, reject) => {
    const request = (target.tls ? httpsRequest : httpRequest)(
      {
        host: target.host,
        port: target.port,
        path: target.path.startsWith("/") ? target.path : `/${target.path}`,
        headers: headers as unknown as Record<string, string>,
        agent: false,
        signal,
        // Probes do not verify certificates.
        ...(target.tls ? { rejectUnauthorized: false } : {}),
      },
      (response) => {
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          if (body.length < maxBody) body += chunk.slice(0, maxBody - body.length);
          else response.destroy();
        });
        const done = (): void =>
          resolve({ status: response.statusCode ?? 0, location: response.headers.location, body });
        response.on("end", done);
        response.on("close", done);
        response.on("error", reject);
      },
    );
    request.on("error", reject);
    request.end();
  });
}

function sameHostRedirect(target: HttpTarget, path: string, answer: Answer): string | undefined {
  if (answer.status < 300 || answer.status > 399 || !answer.location) return undefined;
  const base = `${target.tls ? "https" : "http"}://${hostText(target.host)}:${target.port}${path}`;
  if (!URL.canParse(answer.location, base)) return undefined;
  const url = new URL(answer.location, base);
  return url.host === new URL(base).host ? url.pathname + url.search : undefined;
}

function hostText(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

/** Connection errors in the words of Go programs, which users search for. */
export function dialError(cause: unknown, host: string, port: number): string {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code;
  const where = `dial tcp ${hostText(host)}:${port}`;
  switch (code) {
    case "ECONNREFUSED":
      return `${where}: connect: connection refused`;
    case "EHOSTUNREACH":
      return `${where}: connect: no route to host`;
    case "ETIMEDOUT":
      return `${where}: i/o timeout`;
    case "ECONNRESET":
      return "EOF";
    default:
      return cause instanceof Error ? cause.message : String(cause);
  }
}
