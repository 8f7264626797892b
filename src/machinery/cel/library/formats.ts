/** Formats of strings. */
import {
  isDns1035Label,
  isDns1123Label,
  isDns1123Subdomain,
  isLabelValue,
  isQualifiedName,
} from "../../names.ts";
import { isBase64, isDate, isDateTime, isUuid } from "../../string-formats.ts";
import type { Library } from "../functions.ts";
import { CelOpaque, CelOptional } from "../values.ts";
import { parseUrl } from "./net.ts";

type Check = (text: string) => readonly string[];

/** A prefix of a name may end with a dash, since more follows. */
const prefix =
  (check: Check): Check =>
  (text) =>
    check(text.length > 1 && text.endsWith("-") ? `${text.slice(0, -1)}a` : text);

const test =
  (holds: (text: string) => boolean, why: string): Check =>
  (text) =>
    holds(text) ? [] : [why];

const checks: Readonly<Record<string, Check>> = {
  dns1123Label: isDns1123Label,
  dns1123Subdomain: (text) => isDns1123Subdomain(text),
  dns1035Label: isDns1035Label,
  qualifiedName: isQualifiedName,
  dns1123LabelPrefix: prefix(isDns1123Label),
  dns1123SubdomainPrefix: prefix((text) => isDns1123Subdomain(text)),
  dns1035LabelPrefix: prefix(isDns1035Label),
  labelValue: isLabelValue,
  uri: (text) => {
    const url = parseUrl(text);
    return typeof url === "string" ? [url] : [];
  },
  uuid: test(isUuid, "does not match the UUID format"),
  byte: test(isBase64, "invalid base64"),
  date: test(isDate, "invalid date"),
  datetime: test(isDateTime, "invalid datetime"),
};

const formatOf = (name: string): CelOpaque<Check> =>
  new CelOpaque("kubernetes.NamedFormat", checks[name] as Check, name);

export const formats: Library = {
  ...(Object.fromEntries(
    Object.keys(checks).map((name) => [`format.${name}(): kubernetes.NamedFormat`, () => formatOf(name)]),
  ) as Library),
  "format.named(string): optional<kubernetes.NamedFormat>": (_meter, name: string) =>
    Object.hasOwn(checks, name) ? new CelOptional(formatOf(name)) : CelOptional.none,
  "kubernetes.NamedFormat.validate(string): optional<list<string>>": (
    meter,
    { value }: CelOpaque<Check>,
    text: string,
  ) => {
    meter.text(text);
    const found = value(text);
    return found.length === 0 ? CelOptional.none : new CelOptional([...found]);
  },
};
