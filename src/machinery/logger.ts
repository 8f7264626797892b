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

/** One JSON object per line, given to `write` with its line end. */
export function createLogger(
  write: (line: string) => void,
  now: () => number,
  level: LogLevel = "info",
): Logger {
  return logger({ write, now, level }, {});
}

interface Shared {
  write: (line: string) => void;
  now: () => number;
  level: LogLevel;
}

function logger(shared: Shared, base: LogFields): Logger {
  const { write, now } = shared;
  const emit = (at: LogLevel, message: string, fields?: LogFields): void => {
    if (order[at] < order[shared.level]) return;
    write(
      `${JSON.stringify({ time: new Date(now()).toISOString(), level: at, message, ...base, ...plain(fields) })}\n`,
    );
  };
  return {
    debug: (m, f) => emit("debug", m, f),
    info: (m, f) => emit("info", m, f),
    warn: (m, f) => emit("warn", m, f),
    error: (m, f) => emit("error", m, f),
    with: (fields) => logger(shared, { ...base, ...fields }),
    setLevel(level) {
      shared.level = level;
    },
  };
}

/** Errors do not survive JSON.stringify; their message and stack do. */
function plain(fields: LogFields | undefined): LogFields {
  if (!fields) return {};
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
