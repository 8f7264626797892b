/** Parses RFC 3339 times like Go's time.Parse, with its errors. */

export class GoTimeError extends Error {}

/** Escapes bytes other than printable ASCII as `\xNN`. */
function quoted(text: string): string {
  let out = "";
  for (const char of text) {
    if (char === '"' || char === "\\") out += `\\${char}`;
    else if (char >= " " && char < "\u0080") out += char;
    else for (const byte of Buffer.from(char)) out += `\\x${byte.toString(16).padStart(2, "0")}`;
  }
  return `"${out}"`;
}

/** The usual form, which nearly all times have. */
const usual = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:[.,](\d+))?(Z|[+-]\d\d:\d\d)$/;

/** Canonical times seen before, since objects are sent back with the same ones. */
const written = new Set<string>();
const maxWritten = 1024;

function remembered(text: string): string {
  if (written.size >= maxWritten) written.clear();
  written.add(text);
  return text;
}

/**
 * The time in UTC with `digits` fractional digits (0, or 6 that must be given), truncated. Undefined for Go's zero time, which
 * means absent. Throws GoTimeError.
 */
export function parseGoTime(text: string, digits: 0 | 6): string | undefined {
  if (digits === 0 && text.length === 20) {
    if (written.has(text)) return text;
    if (usual.test(text)) {
      const at = Date.parse(text);
      // Date knows a 24th hour and a 30th of February in some places, so what it reads is compared.
      if (at > zero && new Date(at).toISOString().startsWith(text.slice(0, 19))) return remembered(text);
    }
  }
  const { at, fraction } = new Reader(text, digits).run();
  if (at === zero && Number(fraction) === 0) return undefined;
  const iso = new Date(at).toISOString().slice(0, 19);
  return digits === 0 ? `${iso}Z` : `${iso}.${fraction.slice(0, digits).padEnd(digits, "0")}Z`;
}

/** The first of January of the year 1, from which Go counts. */
const zero = Date.parse("0001-01-01T00:00:00Z");

const daysIn = (year: number, month: number): number =>
  new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate();

class Reader {
  readonly #text: string;
  readonly #digits: 0 | 6;
  #rest: string;

  constructor(text: string, digits: 0 | 6) {
    this.#text = text;
    this.#digits = digits;
    this.#rest = text;
  }

  /** Milliseconds, whole seconds of them, and the digits after the point. */
  run(): { at: number; fraction: string } {
    const year = this.#number("2006", /^\d{4}/);
    this.#literal("-");
    const month = this.#number("01", /^\d\d/);
    if (month < 1 || month > 12) this.#outOfRange("month");
    this.#literal("-");
    const day = this.#number("02", /^\d\d/);
    this.#literal("T");
    const hour = this.#number("15", /^\d\d?/);
    if (hour > 23) this.#outOfRange("hour");
    this.#literal(":");
    const minute = this.#number("04", /^\d\d/);
    if (minute > 59) this.#outOfRange("minute");
    this.#literal(":");
    const second = this.#number("05", /^\d\d/);
    if (second > 59) this.#outOfRange("second");
    const fraction = this.#fraction();
    const offset = this.#offset();
    if (this.#rest !== "")
      throw new GoTimeError(`parsing time ${quoted(this.#text)}: extra text: ${quoted(this.#rest)}`);
    if (day < 1 || day > daysIn(year, month)) this.#outOfRange("day");
    const date = new Date(0);
    date.setUTCFullYear(year, month - 1, day);
    date.setUTCHours(hour, minute - offset, second);
    return { at: date.getTime(), fraction };
  }

  #number(layout: string, form: RegExp): number {
    const found = form.exec(this.#rest)?.[0];
    if (found === undefined) this.#unlike(layout, this.#rest);
    this.#rest = this.#rest.slice(found.length);
    return Number(found);
  }

  #literal(char: string): void {
    if (!this.#rest.startsWith(char)) this.#unlike(char, this.#rest);
    this.#rest = this.#rest.slice(1);
  }

  #fraction(): string {
    const found = this.#digits === 0 ? /^[.,](\d+)/.exec(this.#rest) : /^[.,](\d{6})/.exec(this.#rest);
    if (!found) {
      if (this.#digits !== 0) this.#unlike(".000000", this.#rest);
      return "";
    }
    this.#rest = this.#rest.slice(found[0].length);
    return found[1] as string;
  }

  /** In minutes. */
  #offset(): number {
    if (this.#rest.startsWith("Z")) {
      this.#rest = this.#rest.slice(1);
      return 0;
    }
    const found = /^([+-])(\d\d):(\d\d)/.exec(this.#rest);
    if (!found) this.#unlike("Z07:00", this.#rest);
    const [hours, minutes] = [Number(found[2]), Number(found[3])];
    if (hours > 24) this.#outOfRange("time zone offset hour");
    if (minutes > 60) this.#outOfRange("time zone offset minute");
    this.#rest = this.#rest.slice(6);
    return (found[1] === "-" ? -1 : 1) * (hours * 60 + minutes);
  }

  #unlike(layout: string, rest: string): never {
    const whole = `2006-01-02T15:04:05${this.#digits === 0 ? "" : ".000000"}Z07:00`;
    throw new GoTimeError(
      `parsing time ${quoted(this.#text)} as ${quoted(whole)}: cannot parse ${quoted(rest)} as ${quoted(layout)}`,
    );
  }

  #outOfRange(what: string): never {
    throw new GoTimeError(`parsing time ${quoted(this.#text)}: ${what} out of range`);
  }
}
