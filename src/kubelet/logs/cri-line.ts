/** One line of a CRI log: `<time> <stream> <tags> <content>\n`, where tag P says that the line goes on in the next entry. */
export interface LogEntry {
  /** RFC 3339 with nanoseconds, as written. */
  time: string;
  stream: "stdout" | "stderr";
  partial: boolean;
  content: Buffer;
}

const space = 0x20;

/** Undefined for an invalid line. */
export function parseLogLine(line: Buffer): LogEntry | undefined {
  const first = line.indexOf(space);
  const second = line.indexOf(space, first + 1);
  const third = line.indexOf(space, second + 1);
  if (first <= 0 || second < 0 || third < 0) return undefined;
  const stream = line.toString("latin1", first + 1, second);
  if (stream !== "stdout" && stream !== "stderr") return undefined;
  const tags = line.toString("latin1", second + 1, third).split(":");
  return {
    time: line.toString("latin1", 0, first),
    stream,
    partial: tags[0] === "P",
    content: line.subarray(third + 1),
  };
}
