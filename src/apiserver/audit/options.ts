/** Options of audit backends, with kube-apiserver's defaults (flags --audit-log-* and --audit-webhook-*). */

/**
 * `blocking`: answers wait until their events are recorded. `blocking-strict`: also refuses requests whose RequestReceived event
 * cannot be recorded. `batch`: asynchronous.
 */
const auditModes = ["batch", "blocking", "blocking-strict"] as const;
export type AuditMode = (typeof auditModes)[number];

/** `legacy`: one line of text per event. */
export const logFormats = ["legacy", "json"] as const;
export type LogFormat = (typeof logFormats)[number];

/** Buffering in mode `batch`. */
export interface BatchOptions {
  /** Size of the queue; further events are lost. */
  bufferSize: number;
  /** Maximum events per batch. */
  maxSize: number;
  /** Maximum wait before an unfilled batch is sent; milliseconds. */
  maxWaitMs: number;
  /** Batches per second, and burst; undefined: unlimited. */
  throttle: { qps: number; burst: number } | undefined;
  /** Whether batches are sent concurrently. */
  together: boolean;
}

/** Bytes of JSON. */
export interface TruncateOptions {
  /** Larger events are stripped of their objects; events too large without them are dropped. */
  maxEventBytes: number;
  /** Larger batches are split. */
  maxBatchBytes: number;
}

/** Flags; absent ones have kube-apiserver's defaults. */
export interface DeliveryFlags {
  mode?: AuditMode;
  batch?: {
    bufferSize?: number;
    maxSize?: number;
    maxWaitMs?: number;
    throttleEnable?: boolean;
    throttleQps?: number;
    throttleBurst?: number;
  };
  truncate?: { enabled?: boolean; maxEventBytes?: number; maxBatchBytes?: number };
}

/** Plain data. */
export interface AuditFiles {
  policyFile: string;
  log?: DeliveryFlags & {
    /** `-`: standard output. */
    path: string;
    maxSizeMb?: number;
    maxBackups?: number;
    maxAgeDays?: number;
    compress?: boolean;
    format?: LogFormat;
  };
  webhook?: DeliveryFlags & {
    kubeconfig: string;
    /** Initial backoff of retries. */
    initialBackoffMs?: number;
  };
}

export const logDefaults = { maxSizeMb: 100, maxBackups: 100, maxAgeDays: 366 } as const;
export const initialBackoffMs = 10_000;

const truncation: TruncateOptions = { maxEventBytes: 100 * 1024, maxBatchBytes: 10 * 1024 * 1024 };

/** With defaults applied. */
export interface Delivery {
  mode: AuditMode;
  batch: BatchOptions;
  truncateEnabled: boolean;
  truncate: TruncateOptions;
}

export function deliveryOf(plugin: "log" | "webhook", flags: DeliveryFlags | undefined): Delivery {
  const { mode, batch = {}, truncate = {} } = flags ?? {};
  const remote = plugin === "webhook";
  const { throttleEnable = remote, throttleQps = remote ? 10 : 0, throttleBurst = remote ? 15 : 0 } = batch;
  return {
    mode: mode ?? (remote ? "batch" : "blocking"),
    batch: {
      bufferSize: batch.bufferSize ?? 10_000,
      maxSize: batch.maxSize ?? (remote ? 400 : 1),
      maxWaitMs: batch.maxWaitMs ?? (remote ? 30_000 : 0),
      throttle: throttleEnable ? { qps: throttleQps, burst: throttleBurst } : undefined,
      together: remote,
    },
    truncateEnabled: truncate.enabled ?? false,
    truncate: {
      maxEventBytes: truncate.maxEventBytes ?? truncation.maxEventBytes,
      maxBatchBytes: truncate.maxBatchBytes ?? truncation.maxBatchBytes,
    },
  };
}

/** Throws an Error in kube-apiserver's words for the first invalid flag. */
export function checkDelivery(plugin: "log" | "webhook", flags: DeliveryFlags): void {
  const { mode, batch, truncate } = deliveryOf(plugin, flags);
  if (!auditModes.includes(mode))
    throw new Error(`invalid audit ${plugin} mode ${mode}, allowed modes are "${auditModes.join()}"`);
  const positive = (what: string, value: number): void => {
    if (!(value > 0)) throw new Error(`invalid audit ${what} ${value}, must be a positive number`);
  };
  if (mode === "batch") {
    positive(`batch ${plugin} buffer size`, batch.bufferSize);
    positive(`batch ${plugin} max batch size`, batch.maxSize);
    if (batch.throttle) {
      positive(`batch ${plugin} throttle QPS`, batch.throttle.qps);
      positive(`batch ${plugin} throttle burst`, batch.throttle.burst);
    }
  }
  const { maxEventBytes, maxBatchBytes } = truncate;
  positive(`truncate ${plugin} max event size`, maxEventBytes);
  if (maxBatchBytes < maxEventBytes)
    throw new Error(
      `invalid audit truncate ${plugin} max batch size ${maxBatchBytes}, must be greater than max event size (${maxEventBytes})`,
    );
}
