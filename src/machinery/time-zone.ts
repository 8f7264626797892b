/** Names of time zones, as Go looks them up. */

/** Parts of names in capitals. */
const capitals =
  /^(?:[CEMP]ST\d[CEMP]DT|[EHM]ST|[CEMW]ET|GMT(?:0|[+-]\d+)?|GB|NZ(?:-CHAT)?|PRC|RO[CK]|ACT|LHI|NSW|UCT|US|UTC|W-SU)$/;

/** Zone files unknown to Intl, and the zones they equal. */
const files: Readonly<Record<string, string>> = {
  UTC: "UTC",
  Factory: "UTC",
  localtime: "UTC",
  posixrules: "America/New_York",
};
const inBothSets = ["UTC", "Factory"];
/** Names in Intl without a zone file. */
const foreign = /^(?:ACT|Gmt|[+-].*|US\/Pacific-New|Canada\/East-Saskatchewan|SystemV\/.*)$/;

/**
 * Intl's zone for a name spelled as in the system's zone files, where Go looks; undefined for others. Zones also exist under
 * `posix/` and `right/` (with leap seconds, which are ignored here).
 */
export function intlZone(name: string): string | undefined {
  const again = /^(?:posix|right)\/(.+)$/.exec(name)?.[1];
  if (again !== undefined && files[again] !== undefined && !inBothSets.includes(again)) return undefined;
  const zone = again ?? name;
  return files[zone] ?? (isZone(zone) ? zone : undefined);
}

/**
 * True for a zone of the IANA database in its exact spelling: Intl ignores case, file systems do not. The parts of deprecated
 * names, which Intl replaces, must be capitalized like others.
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
