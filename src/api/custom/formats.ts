/** The formats of strings that schemas of custom resources may ask for; unknown ones mean nothing. */
const base64 = /^[A-Za-z0-9+/]*={0,2}$/;

const octet = "(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
const ipv4 = new RegExp(`^${octet}(\\.${octet}){3}$`);

/** One label, or several with letters alone in the last one. */
const hostname =
  /^([a-zA-Z0-9\p{S}\p{L}](-?[a-zA-Z0-9\p{S}\p{L}]{0,62})?|([a-zA-Z0-9\p{S}\p{L}](([a-zA-Z0-9\-\p{S}\p{L}]{0,61}[a-zA-Z0-9\p{S}\p{L}])?)(\.))+[a-zA-Z\p{L}]{2,63})$/u;

function isUri(text: string): boolean {
  return URL.canParse(text) || text.startsWith("/");
}

function isIpv6(text: string): boolean {
  return text.includes(":") && URL.canParse(`http://[${text}]/`);
}

const checks: Readonly<Record<string, (text: string) => boolean>> = {
  "date-time": (text) =>
    /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:?\d\d)$/.test(text) &&
    !Number.isNaN(Date.parse(text.replace(" ", "T"))),
  date: (text) => /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text)),
  byte: (text) => text.length % 4 === 0 && base64.test(text),
  uri: isUri,
  email: (text) => /^[^@\s]+@[^@\s]+$/.test(text),
  hostname: (text) =>
    text.length <= 255 && hostname.test(text) && text.split(".").every((label) => label.length <= 63),
  ipv4: (text) => ipv4.test(text),
  ipv6: isIpv6,
  ip: (text) => ipv4.test(text) || isIpv6(text),
  cidr: (text) => {
    const [address = "", bits = "", more] = text.split("/");
    if (more !== undefined || !/^\d+$/.test(bits)) return false;
    return ipv4.test(address) ? Number(bits) <= 32 : isIpv6(address) && Number(bits) <= 128;
  },
  mac: (text) => /^([0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}$/.test(text),
  uuid: (text) => /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i.test(text),
  uuid3: (text) => /^[0-9a-f]{8}-?[0-9a-f]{4}-?3[0-9a-f]{3}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i.test(text),
  uuid4: (text) => /^[0-9a-f]{8}-?[0-9a-f]{4}-?4[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$/i.test(text),
  uuid5: (text) => /^[0-9a-f]{8}-?[0-9a-f]{4}-?5[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$/i.test(text),
  duration: (text) => /^([-+]?\d+(\.\d*)?(ns|us|µs|ms|s|m|h|d|w)\s*)+$/.test(text),
};

export const formatProblem = (format: string, text: string): boolean => checks[format]?.(text) === false;

/** Every format that is known, without dashes: some of them mean nothing here. */
const known = new Set([
  ...["bsonobjectid", "uri", "email", "hostname", "ipv4", "ipv6", "cidr", "mac", "uuid", "uuid3", "uuid4"],
  ...["uuid5", "isbn", "isbn10", "isbn13", "creditcard", "ssn", "hexcolor", "rgbcolor", "byte", "password"],
  ...["date", "duration", "datetime", "k8sshortname", "k8slongname"],
]);

/** True for a format that values of the type are not held to. */
export function isUnknownFormat(type: string | undefined, format: string): boolean {
  switch (type) {
    case undefined:
    case "string":
      return !known.has(format.replaceAll("-", ""));
    case "integer":
      return format !== "int32" && format !== "int64";
    case "number":
      return format !== "float" && format !== "double";
    default:
      return true;
  }
}
