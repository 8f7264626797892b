/** Audit flags, named as in kube-apiserver. */
import { type AuditFiles, checkDelivery, type DeliveryFlags, logFormats } from "../../cluster/index.ts";
import type { Flags, FlagSpec } from "../flags.ts";
import { UsageError } from "../flags.ts";
import { durationOf, fileOf, given, numberOf, some } from "./flag-values.ts";

type Plugin = "log" | "webhook";

const deliveryFlags = (plugin: Plugin): readonly FlagSpec[] => {
  const remote = plugin === "webhook";
  return [
    {
      long: `audit-${plugin}-mode`,
      type: "string",
      help: `batch: asynchronous; blocking: answers wait until events are recorded; blocking-strict: also refuses requests that cannot be recorded; default ${remote ? "batch" : "blocking"}`,
    },
    {
      long: `audit-${plugin}-batch-buffer-size`,
      type: "int",
      help: "events in the queue; further ones are lost; default 10000",
    },
    {
      long: `audit-${plugin}-batch-max-size`,
      type: "int",
      help: `maximum events per batch; default ${remote ? 400 : 1}`,
    },
    {
      long: `audit-${plugin}-batch-max-wait`,
      type: "string",
      help: `maximum wait before an unfilled batch is sent; default ${remote ? "30s" : "0s"}`,
    },
    {
      long: `audit-${plugin}-batch-throttle-enable`,
      type: "boolean",
      help: `limit the rate of batches; default ${remote}`,
    },
    {
      long: `audit-${plugin}-batch-throttle-qps`,
      type: "string",
      help: `batches per second${remote ? "; default 10" : ""}`,
    },
    {
      long: `audit-${plugin}-batch-throttle-burst`,
      type: "int",
      help: `burst of batches${remote ? "; default 15" : ""}`,
    },
    {
      long: `audit-${plugin}-truncate-enabled`,
      type: "boolean",
      help: "truncate large events; default false",
    },
    {
      long: `audit-${plugin}-truncate-max-event-size`,
      type: "int",
      help: "size in bytes above which an event is truncated; default 102400",
    },
    {
      long: `audit-${plugin}-truncate-max-batch-size`,
      type: "int",
      help: "size in bytes above which a batch is split; default 10485760",
    },
    {
      long: `audit-${plugin}-version`,
      type: "string",
      help: "version of events; only audit.k8s.io/v1",
    },
  ];
};

export const auditFlags: readonly FlagSpec[] = [
  {
    long: "audit-policy-file",
    type: "string",
    help: "audit policy (audit.k8s.io/v1): audit levels of requests",
  },
  {
    long: "audit-log-path",
    type: "string",
    help: "audit log file, one event per line; - is standard output",
  },
  {
    long: "audit-log-maxsize",
    type: "int",
    help: "size in MiB at which the file is rotated; 0: never; default 100",
  },
  { long: "audit-log-maxbackup", type: "int", help: "number of rotated files kept; 0: all; default 100" },
  {
    long: "audit-log-maxage",
    type: "int",
    help: "days for which rotated files are kept; 0: unlimited; default 366",
  },
  { long: "audit-log-compress", type: "boolean", help: "compress rotated files (gzip); default false" },
  { long: "audit-log-format", type: "string", help: "json, or legacy: lines of text; default json" },
  ...deliveryFlags("log"),
  {
    long: "audit-webhook-config-file",
    type: "string",
    help: "kubeconfig of the webhook that receives events",
  },
  {
    long: "audit-webhook-initial-backoff",
    type: "string",
    help: "initial backoff of up to four retries; default 10s",
  },
  ...deliveryFlags("webhook"),
];

/** Undefined without a policy. Throws a UsageError for invalid flags, with or without one. */
export function auditOf(flags: Flags): AuditFiles | undefined {
  const policyFile = fileOf(flags, "audit-policy-file");
  const log = logOf(flags);
  const webhook = webhookOf(flags);
  return policyFile ? given({ policyFile, log, webhook }) : undefined;
}

function logOf(flags: Flags): AuditFiles["log"] {
  const path = fileOf(flags, "audit-log-path");
  if (!path) return undefined;
  const delivery = deliveryOf(flags, "log");
  const name = flags.text("audit-log-format");
  const format = logFormats.find((each) => each === name);
  if (name !== undefined && !format)
    throw new UsageError(`invalid audit log format ${name}, allowed formats are "${logFormats.join()}"`);
  const count = (name: string): number | undefined => {
    const value = flags.int(name);
    if (value !== undefined && value < 0)
      throw new UsageError(`--${name} ${value} can't be a negative number`);
    return value;
  };
  return given({
    path,
    ...delivery,
    format,
    maxAgeDays: count("audit-log-maxage"),
    maxBackups: count("audit-log-maxbackup"),
    maxSizeMb: count("audit-log-maxsize"),
    compress: flags.on("audit-log-compress") || undefined,
  });
}

function webhookOf(flags: Flags): AuditFiles["webhook"] {
  const kubeconfig = fileOf(flags, "audit-webhook-config-file");
  if (!kubeconfig) return undefined;
  return given({
    kubeconfig,
    ...deliveryOf(flags, "webhook"),
    initialBackoffMs: durationOf(flags, "audit-webhook-initial-backoff"),
  });
}

function deliveryOf(flags: Flags, plugin: Plugin): DeliveryFlags {
  const prefix = `audit-${plugin}`;
  const maybe = (name: string): boolean | undefined => (flags.has(name) ? flags.on(name) : undefined);
  const delivery: DeliveryFlags = given({
    mode: flags.text(`${prefix}-mode`) as DeliveryFlags["mode"],
    batch: some({
      bufferSize: flags.int(`${prefix}-batch-buffer-size`),
      maxSize: flags.int(`${prefix}-batch-max-size`),
      maxWaitMs: durationOf(flags, `${prefix}-batch-max-wait`),
      throttleEnable: maybe(`${prefix}-batch-throttle-enable`),
      throttleQps: numberOf(flags, `${prefix}-batch-throttle-qps`),
      throttleBurst: flags.int(`${prefix}-batch-throttle-burst`),
    }),
    truncate: some({
      enabled: maybe(`${prefix}-truncate-enabled`),
      maxEventBytes: flags.int(`${prefix}-truncate-max-event-size`),
      maxBatchBytes: flags.int(`${prefix}-truncate-max-batch-size`),
    }),
  });
  try {
    checkDelivery(plugin, delivery);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
  const version = flags.text(`${prefix}-version`);
  if (version !== undefined && version.split("/").length > 2)
    throw new UsageError(`unexpected GroupVersion string: ${version}`);
  if (version !== undefined && version !== "audit.k8s.io/v1")
    throw new UsageError('invalid group version, allowed versions are ["audit.k8s.io/v1"]');
  return delivery;
}
