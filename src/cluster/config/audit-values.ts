/** Audit settings as values of kube-apiserver's flags. */
import {
  type AuditFiles,
  type DeliveryFlags,
  deliveryOf,
  initialBackoffMs,
  logDefaults,
} from "../../apiserver/index.ts";
import { formatDuration } from "../../machinery/index.ts";

type Values = Record<string, string | number | boolean | undefined>;

export function auditValues(audit: AuditFiles | undefined): Values {
  const { log, webhook } = audit ?? {};
  return {
    "audit-policy-file": audit?.policyFile,
    "audit-log-compress": log?.compress ?? false,
    "audit-log-format": log?.format ?? "json",
    "audit-log-maxage": log?.maxAgeDays ?? logDefaults.maxAgeDays,
    "audit-log-maxbackup": log?.maxBackups ?? logDefaults.maxBackups,
    "audit-log-maxsize": log?.maxSizeMb ?? logDefaults.maxSizeMb,
    "audit-log-path": log?.path,
    ...delivered("log", log),
    "audit-webhook-config-file": webhook?.kubeconfig,
    "audit-webhook-initial-backoff": formatDuration(webhook?.initialBackoffMs ?? initialBackoffMs),
    ...delivered("webhook", webhook),
  };
}

function delivered(plugin: "log" | "webhook", flags: DeliveryFlags | undefined): Values {
  const { mode, batch, truncateEnabled, truncate } = deliveryOf(plugin, flags);
  const values: Values = {
    mode,
    "batch-buffer-size": batch.bufferSize,
    "batch-max-size": batch.maxSize,
    "batch-max-wait": formatDuration(batch.maxWaitMs),
    "batch-throttle-burst": batch.throttle?.burst ?? 0,
    "batch-throttle-enable": batch.throttle !== undefined,
    "batch-throttle-qps": batch.throttle?.qps ?? 0,
    "truncate-enabled": truncateEnabled,
    "truncate-max-batch-size": truncate.maxBatchBytes,
    "truncate-max-event-size": truncate.maxEventBytes,
    version: "audit.k8s.io/v1",
  };
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [`audit-${plugin}-${name}`, value]),
  );
}
