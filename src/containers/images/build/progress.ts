/** Progress events of a build; plain data, for output as text or JSON lines. */
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
  /** Another long operation: building a base image, unpacking. */
  | { kind: "note"; text: string }
  | { kind: "image"; id: string; names: string[]; cached: boolean; ms: number };

export type OnProgress = (progress: BuildProgress) => void;
