/** The log format flag of Kubernetes' components. */
import { loggingFormats, type LoggingFormat } from "../../machinery/index.ts";
import { type Flags, type FlagSpec, UsageError } from "../flags.ts";

export const loggingFlags: readonly FlagSpec[] = [
  {
    long: "logging-format",
    type: "string",
    help: "log format of Kubernetes' components: text or json; default text for components that run alone, and wherry's own JSON for a whole cluster",
  },
];

/** Undefined when it is not given. */
export function loggingFormatOf(flags: Flags): LoggingFormat | undefined {
  const given = flags.text("logging-format");
  if (given === undefined) return undefined;
  const known = loggingFormats.find((each) => each === given);
  if (!known)
    throw new UsageError(`--logging-format: Invalid value: ${JSON.stringify(given)}: Unsupported log format`);
  return known;
}
