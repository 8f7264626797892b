/** Structured logs: a constant message and key-value fields. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds these fields to every line. */
  with(fields: LogFields): Logger;
  /** Drops lines of lower levels from now on, also in derived loggers; absent: the level is fixed. */
  setLevel?: (level: LogLevel) => void;
}

export type LogFields = Readonly<Record<string, unknown>>;

export type LogLevel = "debug" | "info" | "warn" | "error";

const order: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3 };

/** One log line. */
export interface LogLine {
  /** Milliseconds since the epoch. */
  at: number;
  level: LogLevel;
  message: string;
  /** Errors are among them as they are. */
  fields: LogFields;
}

/** Formats a line, including its end. `called`: the logging function, to find its caller. */
export type LogFormat = (line: LogLine, called: (...given: never[]) => unknown) => string;

/** Passes each line with its end to `write`; the default format is a JSON object. */
export function createLogger(
  write: (line: string) => void,
  now: () => number,
  level: LogLevel = "info",
  format: LogFormat = plainJson,
): Logger {
  return logger({ write, now, level, format }, {});
}

interface Shared {
  write: (line: string) => void;
  now: () => number;
  level: LogLevel;
  format: LogFormat;
}

const plainJson: LogFormat = ({ at, level, message, fields }) =>
  `${JSON.stringify({ time: new Date(at).toISOString(), level, message, ...plain(fields) })}\n`;

function logger(shared: Shared, base: LogFields): Logger {
  const { write, now, format } = shared;
  const writer = (level: LogLevel): Logger["info"] => {
    const emit = (message: string, fields?: LogFields): void => {
      if (order[level] < order[shared.level]) return;
      write(format({ at: now(), level, message, fields: { ...base, ...fields } }, emit));
    };
    return emit;
  };
  return {
    debug: writer("debug"),
    info: writer("info"),
    warn: writer("warn"),
    error: writer("error"),
    with: (fields) => logger(shared, { ...base, ...fields }),
    setLevel(level) {
      shared.level = level;
    },
  };
}

/** Errors do not survive JSON.stringify; their message and stack do. */
function plain(fields: LogFields): LogFields {
  const out: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(fields)) {
    out[key] = value instanceof Error ? (value.stack ?? value.message) : value;
  }
  return out;
}

export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  with: () => silentLogger,
};
