/** Names of time zones, as Go looks them up. */

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
  return name.split("/").every((part) => /^[A-Z]/.test(part));
}
