import { CoverageGuide } from "./coverage.ts";
import { mutate, oneOf, seededRandom } from "./mutate.ts";

export interface FuzzTarget {
  /** Initial inputs: short and diverse. */
  seeds: readonly (string | Uint8Array)[];
  /** A dictionary of the format's words. */
  dictionary?: readonly string[];
  /** Throws for bugs. Errors that inputs may cause are caught. */
  run(input: Buffer): void | Promise<void>;
  /** Number of inputs in the short form; WHERRY_FUZZ_RUNS overrides it, WHERRY_FUZZ_SECONDS sets a duration instead. */
  runs?: number;
}

/**
 * Searches for an input that breaks the target: inputs that cover a new path are kept and mutated further. Reproducible with
 * the same seed (WHERRY_FUZZ_SEED, default 1). Rejects with the input in the message.
 */
export async function fuzz(target: FuzzTarget): Promise<{ runs: number; corpus: number; ways: number }> {
  const { WHERRY_FUZZ_SECONDS: seconds, WHERRY_FUZZ_RUNS: wanted } = process.env;
  const end = seconds === undefined ? Infinity : performance.now() + Number(seconds) * 1000;
  const runs = seconds === undefined ? Number(wanted ?? target.runs ?? 1500) : Infinity;
  const seed = Number(process.env.WHERRY_FUZZ_SEED ?? 1);
  const random = seededRandom(seed);
  const guide = new CoverageGuide();
  const corpus: Buffer[] = target.seeds.map((each) => Buffer.from(each));
  const attempt = async (input: Buffer): Promise<boolean> => {
    try {
      await target.run(input);
    } catch (cause) {
      const text = `${JSON.stringify(input.toString("latin1"))} (latin1, seed ${seed})`;
      throw new Error(`broken by the input ${text}: ${(cause as Error).stack}`, { cause });
    }
    return guide.foundNew();
  };
  try {
    for (const input of [...corpus]) await attempt(input);
    let done = 0;
    for (; done < runs && performance.now() < end; done++) {
      // Recent finds are preferred: half of the inputs derive from the last few.
      const base = random() < 0.5 ? oneOf(random, corpus.slice(-8)) : oneOf(random, corpus);
      const input = mutate(random, base, corpus, target.dictionary ?? []);
      if (await attempt(input)) corpus.push(input);
    }
    return { runs: done, corpus: corpus.length, ways: guide.ways };
  } finally {
    guide.close();
  }
}
