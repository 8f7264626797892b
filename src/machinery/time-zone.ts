/** Names of time zones, as Go looks them up. */

/** Parts of names that have no small letters. */
const capitals =
  /^(?:[CEMP]ST\d[CEMP]DT|[EHM]ST|[CEMW]ET|GMT(?:0|[+-]\d+)?|GB|NZ(?:-CHAT)?|PRC|RO[CK]|ACT|LHI|NSW|UCT|US|UTC|W-SU)$/;

/** Files beside the zones that Intl knows, and what their times are. */
const files: Readonly<Record<string, string>> = {
  UTC: "UTC",
  Factory: "UTC",
  localtime: "UTC",
  posixrules: "America/New_York",
};
const inBothSets = ["UTC", "Factory"];
/** What Intl has and no file. */
const foreign = /^(?:ACT|Gmt|[+-].*|US\/Pacific-New|Canada\/East-Saskatchewan|SystemV\/.*)$/;

/**
 * The zone as Intl has it, of a name in its own spelling in a system's files, where Go looks; undefined for other names.
 * Under `posix/` and `right/` the zones stand once more (there without, here with leap seconds, which nobody counts here).
 */
export function intlZone(name: string): string | undefined {
  const again = /^(?:posix|right)\/(.+)$/.exec(name)?.[1];
  if (again !== undefined && files[again] !== undefined && !inBothSets.includes(again)) return undefined;
  const zone = again ?? name;
  return files[zone] ?? (isZone(zone) ? zone : undefined);
}

/**
 * True for a zone of the IANA database in its own spelling: Intl takes `europe/berlin` as well, a file system does not.
 * Of an old name, which Intl gives another one, the parts have to begin as those of all names do.
 */
function isZone(name: string): boolean {
  if (foreign.test(name)) return false;
  let known: string;
  try {
    known = new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone;
  } catch {
    return false;
  }
  if (known.toLowerCase() === name.toLowerCase()) return known === name;
  return name.split("/").every((part) => capitals.test(part) || (/^[A-Z]/.test(part) && /[a-z]/.test(part)));
}
