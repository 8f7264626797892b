/** Result of a probe. `unknown`: the probe itself failed, which is ignored. */
export interface ProbeOutcome {
  result: "success" | "failure" | "unknown";
  /** Message of the event. */
  output: string;
  /** For HTTP: there was a response, whatever its status. */
  answered?: boolean;
}
