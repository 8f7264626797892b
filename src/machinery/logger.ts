/** Structured logs: a constant message and key-value fields. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds these fields to every line. */
  with(fields: LogFields): Logger;
  /** From now on lines of lower levels are left out, also by the loggers that come from this one; absent: that is fixed. */
  setLevel?: (level: LogLevel) => void;
}

export type LogFields = Readonly<Record<string, unknown>>;

export type LogLevel = "debug" | "info" | "warn" | "error";

const order: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3 };

/** What one line says. */
export interface LogLine {
  /** Milliseconds since the epoch. */
  at: number;
  level: LogLevel;
  message: string;
  /** Errors are among them as they are. */
  fields: LogFields;
}

/** Makes a line with its end. `called`: the function that whoever wrote it called. */
export type LogFormat = (line: LogLine, called: (...given: never[]) => unknown) => string;

/** Each line is given to `write` with its end; without a format it is one JSON object. */
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
