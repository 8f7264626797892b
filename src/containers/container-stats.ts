import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { ContainerStats } from "../cri/index.ts";
import type { Clock } from "../machinery/index.ts";
import { cgroupStats, type PlanContext } from "../runtime/index.ts";
import { type ContainerRecord, containerDirectory, type Places } from "./record.ts";

/** Measuring a writable layer reads all of it, so results are cached for this time. */
const layerFreshMs = 30_000;

export class StatsReader {
  readonly #layers = new Map<string, { at: number; usage: Promise<ContainerStats["writableLayer"]> }>();
  readonly #places: Places;
  readonly #context: PlanContext;
  readonly #clock: Clock;

  constructor(places: Places, context: PlanContext, clock: Clock) {
    this.#places = places;
    this.#context = context;
    this.#clock = clock;
  }

  async read(record: ContainerRecord): Promise<ContainerStats> {
    const [cgroup, writableLayer] = await Promise.all([
      cgroupStats(this.#context.layout, record.cgroupsPath),
      this.#layer(record.id),
    ]);
    const memory = cgroup?.memory;
    return {
      id: record.id,
      sandboxId: record.sandboxId,
      labels: record.config.labels,
      timestamp: BigInt(this.#clock.now()) * 1_000_000n,
      cpu: { usageCoreNanoSeconds: cgroup?.cpuNanoseconds ?? 0 },
      memory: {
        workingSetBytes: memory?.workingSet ?? 0,
        usageBytes: memory?.usage ?? 0,
        rssBytes: memory?.rss ?? 0,
        ...(memory?.limit !== undefined && { availableBytes: Math.max(0, memory.limit - memory.workingSet) }),
      },
      writableLayer,
    };
  }

  #layer(id: string): Promise<ContainerStats["writableLayer"]> {
    const now = this.#clock.monotonic();
    const known = this.#layers.get(id);
    if (known && now - known.at < layerFreshMs) return known.usage;
    const usage = measure(join(containerDirectory(this.#places, id), "upper"));
    this.#layers.set(id, { at: now, usage });
    return usage;
  }

  forget(id: string): void {
    this.#layers.delete(id);
  }
}

/** Like du; files that vanish meanwhile are skipped. */
async function measure(directory: string): Promise<{ usedBytes: number; inodesUsed: number }> {
  const total = { usedBytes: 0, inodesUsed: 0 };
  const queue = [directory];
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    for (const entry of await readdir(path, { withFileTypes: true }).catch(() => [])) {
      const full = join(path, entry.name);
      if (entry.isDirectory()) queue.push(full);
      const st = await lstat(full).catch(() => undefined);
      if (!st) continue;
      total.usedBytes += st.blocks * 512;
      total.inodesUsed++;
    }
  }
  return total;
}
