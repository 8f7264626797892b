/** Flags of the API server, named as in kube-apiserver. */
import { type ApiServerSettings, checkPlugins, checkRuntimeConfig } from "../../cluster/index.ts";
import { type Flags, type FlagSpec, UsageError } from "../flags.ts";
import { auditFlags, auditOf } from "./audit-flags.ts";
import { authorizationFlags, authorizationSettings } from "./authorization-flags.ts";
import { durationOf, fileOf, given } from "./flag-values.ts";
import { frontProxyFlags, frontProxyOf } from "./front-proxy-flags.ts";
import { identityFlags, identitySettings } from "./identity-flags.ts";
import { loggingFlags, loggingFormatOf } from "./logging-flags.ts";
import { oidcFlags, oidcOf } from "./oidc-flags.ts";
import { checkSettled, settledSpecs } from "./settled-flags.ts";
import { tlsFlags, tlsSettings } from "./tls-flags.ts";

export const apiServerFlags: readonly FlagSpec[] = [
  ...identityFlags,
  ...frontProxyFlags,
  ...oidcFlags,
  ...authorizationFlags,
  {
    long: "encryption-provider-config",
    type: "string",
    help: "EncryptionConfiguration file: encryption providers by resource; reloaded when it changes",
  },
  ...auditFlags,
  {
    long: "tracing-config-file",
    type: "string",
    help: "TracingConfiguration file: OTLP collector (gRPC) of request spans, and sampling rate",
  },
  {
    long: "enable-admission-plugins",
    type: "list",
    help: "admission plugins to enable beside the default ones",
  },
  { long: "disable-admission-plugins", type: "list", help: "default admission plugins to disable" },
  {
    long: "runtime-config",
    type: "list",
    help: "built-in APIs to disable, e.g. batch/v1=false or autoscaling/v1/horizontalpodautoscalers=false",
  },
  {
    long: "admission-control-config-file",
    type: "string",
    help: "AdmissionConfiguration file: configuration of PodSecurity, ResourceQuota, EventRateLimit, ImagePolicyWebhook, PodNodeSelector and PodTolerationRestriction; credentials for admission webhooks",
  },
  {
    long: "max-requests-inflight",
    type: "int",
    help: "concurrent read-only requests; the sum with --max-mutating-requests-inflight is divided among priority levels; default 400",
  },
  { long: "max-mutating-requests-inflight", type: "int", help: "concurrent mutating requests; default 200" },
  {
    long: "profiling",
    type: "boolean",
    help: "serve CPU and memory profiles at /debug/pprof/; default true",
  },
  {
    long: "v",
    type: "int",
    help: "log verbosity; from 4 on with debug messages; default 0",
  },
  ...loggingFlags,
  {
    long: "request-timeout",
    type: "string",
    help: "timeout of requests that are not long-running; default 1m0s",
  },
  {
    long: "min-request-timeout",
    type: "int",
    help: "seconds after which a watch without timeoutSeconds ends, randomly up to twice as many; 0: it ends after its initial events; default 1800",
  },
  { long: "event-ttl", type: "string", help: "how long events are kept; 0: unlimited; default 1h0m0s" },
  {
    long: "default-not-ready-toleration-seconds",
    type: "int",
    help: "seconds for which pods tolerate a node that is not ready, unless they set it; default 300",
  },
  {
    long: "default-unreachable-toleration-seconds",
    type: "int",
    help: "seconds for which pods tolerate an unreachable node, unless they set it; default 300",
  },
  {
    long: "strict-transport-security-directives",
    type: "list",
    help: "directives of the Strict-Transport-Security header, e.g. max-age=31536000,includeSubDomains,preload",
  },
  ...tlsFlags,
  {
    long: "cors-allowed-origins",
    type: "list",
    help: "regular expressions of allowed CORS origins, e.g. //example\\.com(:|$)",
  },
  {
    long: "goaway-chance",
    type: "string",
    help: "probability that an HTTP/2 request ends its connection with GOAWAY, to spread clients over servers: 0 to 0.02; default 0",
  },
  {
    long: "http2-max-streams-per-connection",
    type: "int",
    help: "concurrent streams of an HTTP/2 connection; default 100",
  },
  {
    long: "shutdown-delay-duration",
    type: "string",
    help: "how long the server keeps serving at shutdown while /readyz fails, e.g. 5s; default 0s",
  },
  {
    long: "shutdown-watch-termination-grace-period",
    type: "string",
    help: "time over which the ends of watches are spread at shutdown, so that clients do not all reconnect at once; default 0s",
  },
  {
    long: "livez-grace-period",
    type: "string",
    help: "how long after the start /livez ignores unfinished post-start hooks; default 0s",
  },
  {
    long: "service-node-port-range",
    type: "string",
    help: "node ports of Services, e.g. 30000-32767 or 30000+100; default 30000-32767",
  },
  {
    long: "shutdown-send-retry-after",
    type: "boolean",
    help: "at shutdown, keep listening and answer 429 until requests in flight are done",
  },
  ...settledSpecs,
];

/** Undefined when none of these flags is given. */
export function apiServerSettings(flags: Flags): ApiServerSettings | undefined {
  if (!apiServerFlags.some(({ long }) => flags.has(long))) return undefined;
  checkSettled(flags);
  if (flags.int("max-requests-inflight") === 0 && flags.int("max-mutating-requests-inflight") === 0)
    throw new UsageError(
      "invalid configuration: MaxRequestsInFlight=0 and MaxMutatingRequestsInFlight=0; they must add up to something positive",
    );
  const names = (name: string): string[] => flags.list(name).flatMap((each) => each.split(","));
  return given({
    ...identitySettings(flags),
    frontProxy: frontProxyOf(flags),
    oidc: oidcOf(flags),
    ...authorizationSettings(flags),
    encryptionConfig: fileOf(flags, "encryption-provider-config"),
    audit: auditOf(flags),
    tracingConfig: fileOf(flags, "tracing-config-file"),
    plugins: pluginsOf(names("enable-admission-plugins"), names("disable-admission-plugins")),
    runtimeConfig: flags.has("runtime-config") ? runtimeConfigOf(names("runtime-config")) : undefined,
    admissionConfig: fileOf(flags, "admission-control-config-file"),
    maxRequestsInflight: notNegative(flags, "max-requests-inflight"),
    maxMutatingRequestsInflight: notNegative(flags, "max-mutating-requests-inflight"),
    profiling: flags.has("profiling") ? flags.on("profiling") : undefined,
    verbosity: notNegative(flags, "v"),
    loggingFormat: loggingFormatOf(flags),
    requestMs: duration(flags, "request-timeout"),
    minRequestSeconds: notNegative(flags, "min-request-timeout"),
    eventTtlMs: duration(flags, "event-ttl"),
    notReadySeconds: flags.int("default-not-ready-toleration-seconds"),
    unreachableSeconds: flags.int("default-unreachable-toleration-seconds"),
    strictTransport: flags.has("strict-transport-security-directives")
      ? directives(names("strict-transport-security-directives"))
      : undefined,
    ...tlsSettings(flags),
    corsOrigins: flags.has("cors-allowed-origins") ? patterns(names("cors-allowed-origins")) : undefined,
    goAwayChance: chance(flags, "goaway-chance"),
    http2MaxStreams: notNegative(flags, "http2-max-streams-per-connection"),
    shutdownDelayMs: duration(flags, "shutdown-delay-duration"),
    shutdownWatchGraceMs: duration(flags, "shutdown-watch-termination-grace-period"),
    livezGraceMs: duration(flags, "livez-grace-period"),
    nodePorts: portRange(flags, "service-node-port-range"),
    shutdownSendRetryAfter: flags.on("shutdown-send-retry-after") || undefined,
  });
}

function runtimeConfigOf(pairs: readonly string[]): Record<string, string> {
  const read = pairs
    .filter((pair) => pair !== "")
    .map((pair): [string, string] => {
      const at = pair.indexOf("=");
      return at < 0 ? [pair.trim(), ""] : [pair.slice(0, at).trim(), pair.slice(at + 1).trim()];
    });
  const config = Object.fromEntries(read);
  try {
    checkRuntimeConfig(config);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
  return config;
}

function pluginsOf(enable: string[], disable: string[]): ApiServerSettings["plugins"] {
  if (enable.length === 0 && disable.length === 0) return undefined;
  try {
    checkPlugins({ enable, disable });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
  return { enable, disable };
}

/** In kube-apiserver's words. */
function notNegative(flags: Flags, name: string): number | undefined {
  const value = flags.int(name);
  if (value !== undefined && value < 0) throw new UsageError(`--${name} can not be negative value`);
  return value;
}

function chance(flags: Flags, name: string): number | undefined {
  const text = flags.text(name);
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() !== "" && value >= 0 && value <= 0.02) return value;
  throw new UsageError(`--${name} can not be less than 0 or greater than 0.02`);
}

/** RFC 6797, 6.1. */
function directives(given: string[]): string[] {
  const name = "strict-transport-security-directives";
  for (const each of given) {
    if (each.trim() === "") throw new UsageError(`empty value in ${name}`);
    if (!/^(includeSubDomains|preload|max-age=[^=]*)$/.test(each))
      throw new UsageError(
        `--${name} invalid, allowed values: max-age=expireTime, includeSubDomains, preload. see https://tools.ietf.org/html/rfc6797#section-6.1 for more information`,
      );
  }
  return given;
}

/** As in kube-apiserver, patterns must be anchored at both ends of the host, or they would match others. */
function patterns(given: string[]): string[] {
  for (const each of given) {
    try {
      new RegExp(each);
    } catch {
      throw new UsageError(`--cors-allowed-origins has an invalid regular expression: ${each}`);
    }
    if (!/\^|\/\//.test(each) || !/[$:]/.test(each.replace("://", "")))
      throw new UsageError(
        `--cors-allowed-origins has an invalid pattern ${each}: it does not pin the start and the end of the host's name`,
      );
  }
  return given;
}

/** In kube-apiserver's words. */
function duration(flags: Flags, name: string): number | undefined {
  const ms = durationOf(flags, name);
  if (ms !== undefined && ms < 0) throw new UsageError(`--${name} can not be negative value`);
  return ms;
}

const maxPort = 65_535;

/** `FROM-TO`, `FROM+COUNT` or one port. Errors are those of Go's PortRange. */
function portRange(flags: Flags, name: string): ApiServerSettings["nodePorts"] {
  const text = flags.text(name)?.trim();
  if (text === undefined || text === "") return undefined;
  const refused = (why: string): UsageError =>
    new UsageError(`invalid argument "${text}" for "--${name}" flag: ${why}`);
  const [, first = "", sign = "", second = ""] = /^(\d+)(?:([-+])(\d+))?$/.exec(text) ?? [];
  if (first === "") throw refused(`unable to parse port range: ${text}`);
  const from = Number(first);
  const to = sign === "-" ? Number(second) : from + Number(second);
  if (from > maxPort || to > maxPort)
    throw refused(`the port range cannot be greater than ${maxPort}: ${text}`);
  if (from > to) throw refused(`end port cannot be less than start port: ${text}`);
  if (from === 0) throw refused("no ports of Services are left: want a range above 0");
  return { from, to };
}
