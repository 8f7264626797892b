/** How logs are written, by the flag that Kubernetes' components have for it. */
import { loggingFormats, type LoggingFormat } from "../../machinery/index.ts";
import { type Flags, type FlagSpec, UsageError } from "../flags.ts";

export const loggingFlags: readonly FlagSpec[] = [
  {
    long: "logging-format",
    type: "string",
    help: "how logs are written, as Kubernetes' components write them: text or json; parts that run alone default to text, a whole cluster to JSON of its own",
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
