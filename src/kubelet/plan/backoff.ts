/** Delays that double with each failure, like Kubernetes' flowcontrol backoff, per container or image. */
export interface BackoffOptions {
  initialMs: number;
  maxMs: number;
}

/** Ten seconds, doubling up to five minutes: for container restarts and image pulls. */
const kubernetesBackoff: BackoffOptions = { initialMs: 10_000, maxMs: 300_000 };

interface Entry {
  delayMs: number;
  updatedAt: number;
}

export class Backoff {
  readonly #options: BackoffOptions;
  readonly #entries = new Map<string, Entry>();

  constructor(options: BackoffOptions = kubernetesBackoff) {
    this.#options = options;
  }

  /**
   * Milliseconds left to wait after a failure at `since`; 0 when the retry may start. An entry expires when it has not changed
   * for twice the maximum delay (ten minutes).
   */
  remaining(key: string, since: number, now: number): number {
    const entry = this.#entries.get(key);
    if (!entry || this.#expired(entry, since)) return 0;
    return Math.max(0, entry.delayMs - (now - since));
  }

  /** The current delay, for messages. */
  delay(key: string): number {
    return this.#entries.get(key)?.delayMs ?? 0;
  }

  /** Counts a retry after a failure at `since`: the next delay is twice as long. */
  next(key: string, since: number, now: number): void {
    const entry = this.#entries.get(key);
    const delayMs =
      !entry || this.#expired(entry, since)
        ? this.#options.initialMs
        : Math.min(entry.delayMs * 2, this.#options.maxMs);
    this.#entries.set(key, { delayMs, updatedAt: now });
  }

  forget(prefix: string): void {
    for (const key of this.#entries.keys()) if (key.startsWith(prefix)) this.#entries.delete(key);
  }

  #expired(entry: Entry, at: number): boolean {
    return at - entry.updatedAt > this.#options.maxMs * 2;
  }
}

/** `10s`, `2m40s`, `5m0s`: a duration of whole seconds as Go prints it. */
export function goSeconds(ms: number): string {
  const total = Math.round(ms / 1000);
  const hours = Math.floor(total / 3600);
  const minutes = Math.floor((total % 3600) / 60);
  const seconds = total % 60;
  if (hours > 0) return `${hours}h${minutes}m${seconds}s`;
  return minutes > 0 ? `${minutes}m${seconds}s` : `${seconds}s`;
}
