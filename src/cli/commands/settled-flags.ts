/**
 * Flags of kube-apiserver that configure nothing here. Some are accepted with the values that describe what wherry does anyway, or with
 * any value where it has no effect on clients; everything else is refused with the reason. docs/flags.md lists them.
 */
import { checkFeatureGates } from "../../cluster/index.ts";
import { type Flags, type FlagSpec, UsageError } from "../flags.ts";

interface SettledFlag {
  long: string;
  type: "string" | "boolean" | "list" | "int";
  /** Supported values; absent: none. */
  fits?: (value: string) => boolean;
  /** What wherry does instead. */
  why: string;
}

const any = (): boolean => true;
const only =
  (...values: string[]) =>
  (value: string): boolean =>
    values.includes(value);
/** Sizes by resource: all positive. */
const sizes = (value: string): boolean =>
  value.split(",").every((each) => /^[^#]+#0*[1-9]\d*$/.test(each.trim()));

const flag = (
  long: string,
  type: SettledFlag["type"],
  fits: SettledFlag["fits"],
  why: string,
): SettledFlag => ({ long, type, ...(fits ? { fits } : {}), why });
const each = (names: string, type: SettledFlag["type"], fits: SettledFlag["fits"], why: string) =>
  names
    .trim()
    .split(/\s+/)
    .map((name) => flag(name, type, fits, why));

const alwaysOn = "it is always on";
const ownStore = "wherry keeps its state in a store of its own in the data directory, without etcd";
const ownPlace =
  "wherry up takes addresses and ranges that follow from the cluster's name (--name); --api-port chooses the port";
const ownKeys = "wherry makes the certificates between its parts itself";
const version = (value: string): boolean =>
  value.split(",").every((one) => /^(kube=)?v?1\.36(\.0)?$/.test(one.trim()));

export const settledFlags: readonly SettledFlag[] = [
  ...each(
    `enable-garbage-collector enable-priority-and-fairness watch-cache service-account-lookup
     aggregator-reject-forwarding-redirect`,
    "boolean",
    only("true"),
    alwaysOn,
  ),
  flag(
    "allow-privileged",
    "boolean",
    only("true"),
    "privileged containers are kept away by Pod Security, by namespace",
  ),
  flag(
    "enable-aggregator-routing",
    "boolean",
    only("true"),
    "requests to extension servers always go to endpoints of the Service",
  ),
  flag(
    "encryption-provider-config-automatic-reload",
    "boolean",
    only("true"),
    "the file is always followed as it changes",
  ),
  ...each(
    `contention-profiling disable-http2-serving enable-logs-handler log-json-split-stream log-text-split-stream
     permit-port-sharing`,
    "boolean",
    only("false"),
    "it is always off",
  ),
  ...each(
    "permit-address-sharing emulation-forward-compatible runtime-config-emulation-forward-compatible",
    "boolean",
    any,
    "",
  ),
  // Tuning without effect on responses.
  ...each("delete-collection-workers default-watch-cache-size", "int", any, ""),
  ...each("log-flush-frequency storage-initialization-timeout", "string", any, ""),
  // For features that are off by default: kube-apiserver ignores these flags, too.
  ...each(
    `coordinated-leadership-lease-duration coordinated-leadership-renew-deadline coordinated-leadership-retry-period
     log-json-info-buffer-size log-text-info-buffer-size`,
    "string",
    any,
    "",
  ),
  flag(
    "watch-cache-sizes",
    "list",
    sizes,
    "sizes say RESOURCE#NUMBER, and the watch cache cannot be turned off (0)",
  ),
  ...each(
    "emulated-version min-compatibility-version",
    "list",
    version,
    "wherry speaks Kubernetes v1.36 alone",
  ),
  flag(
    "show-hidden-metrics-for-version",
    "string",
    only("", "1.35"),
    "only 1.35 may be named, and no metrics are hidden",
  ),
  flag("storage-media-type", "string", only("application/json"), "objects are stored as JSON"),
  flag(
    "endpoint-reconciler-type",
    "string",
    only("lease"),
    "the kubernetes Service leads to this server alone",
  ),
  flag("kubernetes-service-node-port", "int", only("0"), "the kubernetes Service is of type ClusterIP"),
  flag(
    "kubelet-preferred-address-types",
    "list",
    (value) => /^InternalIP(,|$)/.test(value.trim()),
    "kubelets are reached by InternalIP, else ExternalIP, else Hostname",
  ),
  flag("max-connection-bytes-per-sec", "int", only("0"), "connections to pods are not slowed down"),
  flag("lease-reuse-duration-seconds", "int", only("60"), "events share leases as by default"),
  ...each(
    `etcd-servers etcd-servers-overrides etcd-prefix etcd-cafile etcd-certfile etcd-keyfile etcd-compaction-interval
     etcd-count-metric-poll-period etcd-db-metric-poll-interval etcd-healthcheck-timeout etcd-readycheck-timeout
     storage-backend`,
    "list",
    undefined,
    ownStore,
  ),
  ...each(
    "bind-address advertise-address secure-port service-cluster-ip-range",
    "string",
    undefined,
    ownPlace,
  ),
  flag("cert-dir", "string", undefined, "certificates are in the data directory (--data-dir)"),
  ...each(
    `kubelet-certificate-authority kubelet-client-certificate kubelet-client-key proxy-client-cert-file
     proxy-client-key-file`,
    "string",
    undefined,
    ownKeys,
  ),
  flag("kubelet-timeout", "string", undefined, "kubelets are waited for as long as the request may take"),
  flag(
    "admission-control",
    "list",
    undefined,
    "say --enable-admission-plugins and --disable-admission-plugins",
  ),
  ...each(
    "peer-advertise-ip peer-advertise-port peer-ca-file",
    "string",
    undefined,
    "there is one API server only",
  ),
  flag("egress-selector-config-file", "string", undefined, "connections are made without proxies"),
  flag(
    "service-account-signing-endpoint",
    "string",
    undefined,
    "tokens are signed with keys of files (--service-account-signing-key-file)",
  ),
  flag("debug-socket-path", "string", undefined, "profiles are served at /debug/pprof/"),
  flag("tls-curve-preferences", "list", undefined, "key exchanges are those of OpenSSL by default"),
  ...each(
    "disabled-metrics allow-metric-labels",
    "list",
    undefined,
    "all metrics are there, with all their labels",
  ),
  flag("allow-metric-labels-manifest", "string", undefined, "all metrics are there, with all their labels"),
  flag("vmodule", "string", undefined, "how much is logged is said for all parts at once (--v)"),
];

export const settledSpecs: readonly FlagSpec[] = [
  {
    long: "feature-gates",
    type: "list",
    help: "feature gates with the defaults of Kubernetes v1.36, e.g. WatchList=true; they cannot be changed",
  },
  ...settledFlags.map(({ long, type }): FlagSpec => ({ long, type, help: "", hidden: true })),
];

/** Throws a UsageError for unsupported values. */
export function checkSettled(flags: Flags): void {
  for (const { long, fits, why } of settledFlags) {
    if (!flags.has(long)) continue;
    const wrong = valuesOf(flags, long).find((value) => !fits?.(value));
    if (wrong !== undefined)
      throw new UsageError(`--${long}${fits ? `=${wrong}` : ""} is not supported: ${why}`);
  }
  try {
    checkFeatureGates(flags.list("feature-gates").flatMap((one) => one.split(",")));
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function valuesOf(flags: Flags, name: string): string[] {
  const list = flags.list(name);
  return list.length > 0 ? list : [flags.text(name) ?? String(flags.int(name) ?? flags.on(name))];
}
