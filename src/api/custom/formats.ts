/** String formats in schemas of custom resources; unknown ones are ignored. */
import {
  byteLength,
  isBase64,
  isDate,
  isDateTime,
  isUuid,
  looseDuration,
  parseDuration,
  parseGoUrl,
} from "../../machinery/index.ts";
import { parseAddress, parseCidr } from "../core/address-rules.ts";
import { isEmail } from "./email.ts";

/** One label, or several with only letters in the last one. */
const hostname =
  /^([a-zA-Z0-9\p{S}\p{L}](-?[a-zA-Z0-9\p{S}\p{L}]{0,62})?|([a-zA-Z0-9\p{S}\p{L}](([a-zA-Z0-9\-\p{S}\p{L}]{0,61}[a-zA-Z0-9\p{S}\p{L}])?)(\.))+[a-zA-Z\p{L}]{2,63})$/u;

const isHostname = (text: string): boolean =>
  hostname.test(text) && byteLength(text) <= 255 && text.split(".").every((label) => byteLength(label) <= 63);

/** 6, 8 or 20 bytes, in groups of two or (with dots) four digits. */
const isMac = (text: string): boolean =>
  /^[\da-f]{2}(?:(:[\da-f]{2})+|(-[\da-f]{2})+)$|^[\da-f]{4}(\.[\da-f]{4})+$/i.test(text) &&
  macLengths.has(text.replace(/[^\da-f]/gi, "").length / 2);

const macLengths = new Set([6, 8, 20]);

/** A Go duration, or a text that contains one. */
function isDuration(text: string): boolean {
  try {
    parseDuration(text);
    return true;
  } catch {
    return looseDuration(text) !== undefined;
  }
}

const compact = (text: string): string => text.replace(/[\s-]+/g, "");

function isIsbn10(text: string): boolean {
  const digits = compact(text);
  if (!/^\d{9}[\dX]$/.test(digits)) return false;
  const sum = [...digits].reduce((all, digit, i) => all + (i + 1) * (digit === "X" ? 10 : Number(digit)), 0);
  return sum % 11 === 0;
}

function isIsbn13(text: string): boolean {
  const digits = compact(text);
  if (!/^\d{13}$/.test(digits)) return false;
  return [...digits].reduce((all, digit, i) => all + (i % 2 === 0 ? 1 : 3) * Number(digit), 0) % 10 === 0;
}

/** Card numbers by issuer. */
const cardNumber =
  /^(?:4\d{12}(?:\d{3})?|5[1-5]\d{14}|(222[1-9]|22[3-9]\d|2[3-6]\d{2}|27[01]\d|2720)\d{12}|6(?:011|5\d\d)\d{12}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|(?:2131|1800|35\d{3})\d{11}|6[27]\d{14})$/;

/** Luhn's check digit is valid. */
function isCreditCard(text: string): boolean {
  const digits = compact(text);
  if (!cardNumber.test(digits)) return false;
  const sum = [...digits].reverse().reduce((all, digit, i) => {
    const weighed = Number(digit) * (i % 2 === 0 ? 1 : 2);
    return all + (weighed > 9 ? weighed - 9 : weighed);
  }, 0);
  return sum % 10 === 0;
}

const colour = "(0|[1-9]\\d?|1\\d\\d?|2[0-4]\\d|25[0-5])";
const rgb = new RegExp(`^rgb\\(\\s*${colour}\\s*,\\s*${colour}\\s*,\\s*${colour}\\s*\\)$`);
const shortName = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const shortNames = new RegExp(`^${shortName}$`);
const longNames = new RegExp(`^${shortName}(\\.${shortName})*$`);

/** By name without dashes. */
const checks: Readonly<Record<string, (text: string) => boolean>> = {
  datetime: isDateTime,
  date: isDate,
  byte: isBase64,
  uri: (text) => typeof parseGoUrl(text, { request: true }) !== "string",
  email: isEmail,
  hostname: isHostname,
  ipv4: (text) => text.includes(".") && parseAddress(text) !== undefined,
  ipv6: (text) => text.includes(":") && parseAddress(text)?.leadingZeros === false,
  cidr: (text) => parseCidr(text) !== undefined,
  mac: isMac,
  uuid: isUuid,
  uuid3: (text) => /^[0-9a-f]{8}-?[0-9a-f]{4}-?3[0-9a-f]{3}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i.test(text),
  uuid4: (text) => /^[0-9a-f]{8}-?[0-9a-f]{4}-?4[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$/i.test(text),
  uuid5: (text) => /^[0-9a-f]{8}-?[0-9a-f]{4}-?5[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$/i.test(text),
  duration: isDuration,
  bsonobjectid: (text) => /^[\da-f]{24}$/i.test(text),
  isbn: (text) => isIsbn10(text) || isIsbn13(text),
  isbn10: isIsbn10,
  isbn13: isIsbn13,
  creditcard: isCreditCard,
  ssn: (text) => /^\d{3}[- ]\d{2}[- ]\d{4}$/.test(text),
  hexcolor: (text) => /^#?([\da-f]{3}|[\da-f]{6})$/i.test(text),
  rgbcolor: (text) => rgb.test(text),
  password: () => true,
  k8sshortname: (text) => text.length <= 63 && shortNames.test(text),
  k8slongname: (text) => text.length <= 253 && longNames.test(text),
};

const named = (format: string): string => format.replaceAll("-", "");

export function formatProblem(format: string, text: string): boolean {
  const name = named(format);
  return Object.hasOwn(checks, name) && checks[name]?.(text) === false;
}

/** True for a format that is not checked for values of the type. */
export function isUnknownFormat(type: string | undefined, format: string): boolean {
  switch (type) {
    case undefined:
    case "string":
      return !Object.hasOwn(checks, named(format));
    case "integer":
      return format !== "int32" && format !== "int64";
    case "number":
      return format !== "float" && format !== "double";
    default:
      return true;
  }
}
