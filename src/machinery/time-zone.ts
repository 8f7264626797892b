/** Names of time zones, as Go looks them up. */

/** Parts of names that have no small letters. */
const capitals =
  /^(?:[CEMP]ST\d[CEMP]DT|[EHM]ST|[CEMW]ET|GMT(?:0|[+-]\d+)?|GB|NZ(?:-CHAT)?|PRC|RO[CK]|ACT|LHI|NSW|UCT|US|UTC|W-SU)$/;

/**
 * True for a zone of the IANA database in its own spelling: Intl takes `europe/berlin` as well, a file system does not.
 * Of an old name, which Intl gives another one, the parts have to begin as those of all names do.
 */
export function isTimeZone(name: string): boolean {
  if (name === "UTC") return true;
  let known: string;
  try {
    known = new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone;
  } catch {
    return false;
  }
  if (known.toLowerCase() === name.toLowerCase()) return known === name;
  return name.split("/").every((part) => capitals.test(part) || (/^[A-Z]/.test(part) && /[a-z]/.test(part)));
}
