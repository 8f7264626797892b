/** One look at a container. `unknown`: the probe itself could not be made, which counts for nothing. */
export interface ProbeOutcome {
  result: "success" | "failure" | "unknown";
  /** For the event. */
  output: string;
  /** Of HTTP: there was an answer, whatever it said. */
  answered?: boolean;
}
