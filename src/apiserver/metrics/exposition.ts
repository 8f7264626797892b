/** /metrics: negotiates format and compression (like client_golang's handler). */
import { promisify } from "node:util";
import { constants, gzip } from "node:zlib";
import { parseAccept } from "../codec/negotiate.ts";
import { type Answer, bytesAnswer } from "../response.ts";
import type { Family } from "./family.ts";
import { compactTextOfFamilies, delimitedOfFamilies, protoTextOfFamilies } from "./protobuf-format.ts";
import type { MetricsRegistry } from "./registry.ts";
import { textOfFamilies } from "./text-format.ts";

const gzipBytes = promisify(gzip);

const messageType = "application/vnd.google.protobuf";
const message = "io.prometheus.client.MetricFamily";
const textType = "text/plain; version=0.0.4; charset=utf-8";

const encodings: Readonly<Record<string, (families: Iterable<Family>) => Uint8Array | string>> = {
  delimited: delimitedOfFamilies,
  text: protoTextOfFamilies,
  "compact-text": compactTextOfFamilies,
};
/** Escaping schemes of names. All our names are plain, so the schemes make no difference. */
const escapings = new Set(["allow-utf-8", "underscores", "dots", "values"]);

interface Format {
  type: string;
  write: (families: Iterable<Family>) => Uint8Array | string;
}

/** Without OpenMetrics, which Kubernetes does not offer. Text is the fallback. */
function chosen(accept: string): Format {
  let escaping = "underscores";
  const ranges = parseAccept(accept);
  for (const { parameters } of ranges) {
    if (parameters.escaping !== undefined && escapings.has(parameters.escaping)) {
      escaping = parameters.escaping;
      break;
    }
  }
  for (const { type, parameters } of ranges) {
    const { encoding = "", version = "", proto } = parameters;
    if (type === messageType && proto === message && Object.hasOwn(encodings, encoding)) {
      const write = encodings[encoding] as Format["write"];
      return { type: `${messageType}; proto=${message}; encoding=${encoding}; escaping=${escaping}`, write };
    }
    if (type === "text/plain" && (version === "" || version === "0.0.4")) break;
  }
  return { type: `${textType}; escaping=${escaping}`, write: textOfFamilies };
}

const takesGzip = (acceptEncoding: string): boolean =>
  parseAccept(acceptEncoding).some(
    ({ type, parameters }) => (type === "gzip" || type === "*") && Number(parameters.q ?? "1") > 0,
  );

/** DELETE resets the metrics. */
export async function metricsAnswer(
  method: string,
  headers: Readonly<Record<string, string>>,
  metrics: MetricsRegistry,
): Promise<Answer> {
  if (method === "DELETE") {
    metrics.reset();
    return bytesAnswer(200, Buffer.from("metrics reset\n"), "text/plain; charset=utf-8");
  }
  const { type, write } = chosen(headers.accept ?? "");
  const written = write(await metrics.families());
  const plain = typeof written === "string" ? Buffer.from(written) : written;
  const zips = takesGzip(headers["accept-encoding"] ?? "");
  const answer = bytesAnswer(
    200,
    zips ? await gzipBytes(plain, { level: constants.Z_BEST_SPEED }) : plain,
    type,
  );
  if (zips) answer.headers["content-encoding"] = "gzip";
  answer.headers["process-start-time-unix"] = String(Math.round(performance.timeOrigin / 1000));
  return answer;
}
