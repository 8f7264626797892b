/** What a build tells while it goes on; plain data, so a command line can print it as text or as JSON lines. */
export type BuildProgress =
  | { kind: "step"; stage: string; step: number; steps: number; line: number; text: string }
  | {
      kind: "stepDone";
      stage: string;
      step: number;
      steps: number;
      line: number;
      cached: boolean;
      ms: number;
    }
  | { kind: "output"; stream: "stdout" | "stderr"; text: string }
  /** Something else that takes its time: making a base image, unpacking. */
  | { kind: "note"; text: string }
  | { kind: "image"; id: string; names: string[]; cached: boolean; ms: number };

export type OnProgress = (progress: BuildProgress) => void;
