/** TracingConfiguration (apiserver.config.k8s.io, KEP-647): the collector and the sampling rate. Pure. */
import { isObject } from "../../machinery/index.ts";

export interface TracingConfig {
  /** The OTLP collector (gRPC without TLS): host and port, or the path of a socket. */
  address: { host: string; port: number } | { path: string };
  /** Requests per million that are traced without being asked to. */
  samplingRatePerMillion: number;
}

const versions = ["v1", "v1beta1", "v1alpha1"].map((version) => `apiserver.config.k8s.io/${version}`);
const usualPort = 4317;
const million = 1_000_000;

/** Throws with all mistakes. */
export function readTracingConfig(value: unknown): TracingConfig {
  if (
    !isObject(value) ||
    value.kind !== "TracingConfiguration" ||
    !versions.includes(String(value.apiVersion))
  )
    throw new Error(`the file must hold a TracingConfiguration of ${versions.join(", ")}`);
  const { endpoint, samplingRatePerMillion: rate, kind: _kind, apiVersion: _version, ...others } = value;
  const mistakes = Object.keys(others).map((name) => `unknown field "${name}"`);
  if (rate !== undefined && rate !== null && !Number.isInteger(rate))
    mistakes.push(`samplingRatePerMillion: Invalid value: ${JSON.stringify(rate)}: must be an integer`);
  if (Number(rate ?? 0) < 0)
    mistakes.push(`samplingRatePerMillion: Invalid value: ${rate}: sampling rate must be positive`);
  if (Number(rate ?? 0) > million)
    mistakes.push(
      `samplingRatePerMillion: Invalid value: ${rate}: sampling rate per million must be less than or equal to one million`,
    );
  const address = addressOf(String(endpoint ?? ""));
  if (typeof address === "string")
    mistakes.push(`endpoint: Invalid value: ${JSON.stringify(endpoint)}: ${address}`);
  if (mistakes.length > 0) throw new Error(mistakes.join("; "));
  return { address: address as TracingConfig["address"], samplingRatePerMillion: Number(rate ?? 0) };
}

/** The address, or the mistake in it. */
function addressOf(endpoint: string): TracingConfig["address"] | string {
  if (endpoint === "") return { host: "localhost", port: usualPort };
  const [, scheme = "dns", rest = ""] = /^(?:([a-z-]+):\/\/)?(.*)$/.exec(endpoint) ?? [];
  if (scheme === "unix") return { path: rest.startsWith("/") ? rest : `/${rest}` };
  if (scheme === "unix-abstract") return { path: `\0${rest}` };
  if (scheme !== "dns")
    return `unsupported scheme: ${scheme}.  Options are none, dns, unix, or unix-abstract.  See https://github.com/grpc/grpc/blob/master/doc/naming.md`;
  const [, host = "", port] = /^\/?(\[[^\]]+\]|[^:]*)(?::(\d+))?$/.exec(rest) ?? [];
  if (host === "") return "there is no host";
  return { host: host.replace(/^\[|\]$/g, ""), port: port === undefined ? usualPort : Number(port) };
}
