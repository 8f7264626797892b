/** What the record of requests can be told, with kube-apiserver's defaults (its flags --audit-log-* and --audit-webhook-*). */

/**
 * `blocking`: an answer waits until its events are recorded. `blocking-strict`: and a request whose coming cannot be recorded is
 * refused. `batch`: events are recorded beside the requests.
 */
const auditModes = ["batch", "blocking", "blocking-strict"] as const;
export type AuditMode = (typeof auditModes)[number];

/** `legacy`: a line of text an event. */
export const logFormats = ["legacy", "json"] as const;
export type LogFormat = (typeof logFormats)[number];

/** How events wait to be recorded in mode `batch`. */
export interface BatchOptions {
  /** Events that wait; what comes beyond is lost. */
  bufferSize: number;
  /** Events in one batch. */
  maxSize: number;
  /** How long an event waits for others; milliseconds. */
  maxWaitMs: number;
  /** Batches per second, and how many at once if there were fewer before; undefined: as many as come. */
  throttle: { qps: number; burst: number } | undefined;
  /** Whether batches may be under way together. */
  together: boolean;
}

/** Bytes of JSON. */
export interface TruncateOptions {
  /** Larger events lose their objects; what is too large without them is lost. */
  maxEventBytes: number;
  /** More is given on in several batches. */
  maxBatchBytes: number;
}

/** As flags have it; what is left out is as kube-apiserver has it by default. */
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
    /** Wait before what failed is sent again; grows. */
    initialBackoffMs?: number;
  };
}

export const logDefaults = { maxSizeMb: 100, maxBackups: 100, maxAgeDays: 366 } as const;
export const initialBackoffMs = 10_000;

const truncation: TruncateOptions = { maxEventBytes: 100 * 1024, maxBatchBytes: 10 * 1024 * 1024 };

/** Filled up. */
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

/** Throws an Error in kube-apiserver's words for the first thing that cannot be. */
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
