import { DatabaseSync } from "node:sqlite";
import type { Clock } from "../../../machinery/index.ts";
import { CriError } from "../../../cri/index.ts";

/** A lock across processes. It is SQLite's (fcntl) on an empty database: the kernel releases it when its holder ends. */
export class StoreLock {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #patienceMs: number;
  #tail: Promise<unknown> = Promise.resolve();

  /** `patienceMs`: timeout while another process holds it. */
  constructor(path: string, clock: Clock, patienceMs = 60_000) {
    this.#path = path;
    this.#clock = clock;
    this.#patienceMs = patienceMs;
  }

  /** Runs `work` exclusively, also among callers of this process. */
  hold<T>(work: () => Promise<T> | T): Promise<T> {
    const turn = this.#tail.then(() => this.#locked(work));
    this.#tail = turn.catch(() => {});
    return turn;
  }

  async #locked<T>(work: () => Promise<T> | T): Promise<T> {
    const database = new DatabaseSync(this.#path, { timeout: 0 });
    try {
      await this.#acquire(database);
      return await work();
    } finally {
      // Closing rolls back, which releases the lock.
      database.close();
    }
  }

  async #acquire(database: DatabaseSync): Promise<void> {
    const until = this.#clock.monotonic() + this.#patienceMs;
    for (;;) {
      try {
        database.exec("BEGIN EXCLUSIVE");
        return;
      } catch (error) {
        if (!/locked|busy/.test((error as Error).message)) throw error;
        if (this.#clock.monotonic() > until) {
          throw new CriError(
            "Unavailable",
            `another wherry process has held the lock ${this.#path} for ${this.#patienceMs / 1000} s`,
            {
              cause: error,
            },
          );
        }
      }
      await this.#clock.sleep(5);
    }
  }
}
