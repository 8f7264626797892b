import { CoverageGuide } from "./coverage.ts";
import { mutate, oneOf, seededRandom } from "./mutate.ts";

export interface FuzzTarget {
  /** Inputs to begin with: short and each of another kind. */
  seeds: readonly (string | Uint8Array)[];
  /** Words that the format knows. */
  dictionary?: readonly string[];
  /** Throws when something is wrong that no input may cause. What an input may cause, it catches. */
  run(input: Buffer): void | Promise<void>;
  /** How many inputs the short form tries; WHERRY_FUZZ_RUNS sets another number, WHERRY_FUZZ_SECONDS how long it tries instead. */
  runs?: number;
}

/**
 * Looks for an input that breaks the target: inputs that take a new way through the code are kept and changed further.
 * Repeatable for the same seed (WHERRY_FUZZ_SEED, default 1). Rejects with the input in the message.
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
      // New finds are worth more: half of the inputs come from the last few.
      const base = random() < 0.5 ? oneOf(random, corpus.slice(-8)) : oneOf(random, corpus);
      const input = mutate(random, base, corpus, target.dictionary ?? []);
      if (await attempt(input)) corpus.push(input);
    }
    return { runs: done, corpus: corpus.length, ways: guide.ways };
  } finally {
    guide.close();
  }
}
