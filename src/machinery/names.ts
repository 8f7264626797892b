/**
 * Kubernetes' rules for names, label keys and values. Each check returns the error texts a Kubernetes API server gives
 * (apimachinery pkg/util/validation), none when the value is fine; clients and tests compare these texts.
 */
const labelFormat = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const subdomainFormat = `${labelFormat}(\\.${labelFormat})*`;
const label1035Format = "[a-z]([-a-z0-9]*[a-z0-9])?";
const qualifiedFormat = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const valueFormat = `(${qualifiedFormat})?`;
const keyFormat = "[-._a-zA-Z0-9]+";

const label = new RegExp(`^${labelFormat}$`);
const subdomain = new RegExp(`^${subdomainFormat}$`);
const label1035 = new RegExp(`^${label1035Format}$`);
const qualified = new RegExp(`^${qualifiedFormat}$`);
const labelValue = new RegExp(`^${valueFormat}$`);
const configKey = new RegExp(`^${keyFormat}$`);
const wildcard = new RegExp(`^\\*\\.${subdomainFormat}$`);

const ok: readonly string[] = [];

function regexError(message: string, format: string, ...examples: string[]): string {
  return `${message} (e.g. ${examples.map((each) => `'${each}', `).join(" or ")}regex used for validation is '${format}')`;
}

/** Names count in "characters", label keys and values in "bytes", in Kubernetes' texts. */
const tooLong = (limit: number, unit = "characters"): string => `must be no more than ${limit} ${unit}`;

export function isDns1123Label(value: string): readonly string[] {
  if (value.length <= 63 && label.test(value)) return ok;
  const errors: string[] = [];
  if (value.length > 63) errors.push(tooLong(63));
  if (!label.test(value)) {
    errors.push(
      subdomain.test(value)
        ? "must not contain dots"
        : regexError(
            "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
            labelFormat,
            "my-name",
            "123-abc",
          ),
    );
  }
  return errors;
}

export function isDns1123Subdomain(value: string, unit = "characters"): readonly string[] {
  if (value.length <= 253 && subdomain.test(value)) return ok;
  const errors: string[] = [];
  if (value.length > 253) errors.push(tooLong(253, unit));
  if (!subdomain.test(value)) {
    errors.push(
      regexError(
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
        subdomainFormat,
        "example.com",
      ),
    );
  }
  return errors;
}

export function isDns1035Label(value: string): readonly string[] {
  if (value.length <= 63 && label1035.test(value)) return ok;
  const errors: string[] = [];
  if (value.length > 63) errors.push("must be no more than 63 characters");
  if (!label1035.test(value)) {
    errors.push(
      regexError(
        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
        label1035Format,
        "my-name",
        "abc-123",
      ),
    );
  }
  return errors;
}

export function isWildcardDns1123Subdomain(value: string): readonly string[] {
  if (value.length <= 253 && wildcard.test(value)) return ok;
  return [
    regexError(
      "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
      `\\*\\.${subdomainFormat}`,
      "*.example.com",
    ),
  ];
}

const qualifiedMessage =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";

/** A label or annotation key: `name` or `prefix/name`. */
export function isQualifiedName(value: string): readonly string[] {
  const slash = value.indexOf("/");
  const name = value.slice(slash + 1);
  if (name.length <= 63 && qualified.test(name) && slash < 0) return ok;
  const pattern = regexError(qualifiedMessage, qualifiedFormat, "MyName", "my.name", "123-abc");
  if (name.includes("/")) {
    return [
      `a valid label key ${pattern} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  }
  const errors: string[] = [];
  if (slash === 0) errors.push("prefix part must be non-empty");
  else if (slash > 0) {
    for (const each of isDns1123Subdomain(value.slice(0, slash), "bytes")) errors.push(`prefix part ${each}`);
  }
  if (name === "") errors.push("name part must be non-empty");
  else if (name.length > 63) errors.push(`name part ${tooLong(63, "bytes")}`);
  if (!qualified.test(name)) errors.push(`name part ${pattern}`);
  return errors;
}

export function isLabelValue(value: string): readonly string[] {
  if (value.length <= 63 && labelValue.test(value)) return ok;
  const errors: string[] = [];
  if (value.length > 63) errors.push(tooLong(63, "bytes"));
  if (!labelValue.test(value)) {
    errors.push(
      regexError(
        "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
        valueFormat,
        "MyValue",
        "my_value",
        "12345",
      ),
    );
  }
  return errors;
}

/** A key of a ConfigMap or Secret. */
export function isConfigMapKey(value: string): readonly string[] {
  const errors: string[] = [];
  if (value.length > 253) errors.push("must be no more than 253 characters");
  if (!configKey.test(value)) {
    errors.push(
      regexError(
        "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
        keyFormat,
        "key.name",
        "KEY_NAME",
        "key-name",
      ),
    );
  }
  return [...errors, ...parentPath(value)];
}

/** The name of an environment variable: printable ASCII except `=`. */
export function isEnvVarName(value: string): readonly string[] {
  if (value === "") return ["environment variable name must be non-empty"];
  if (/^[\x20-<>-~]+$/.test(value)) return ok;
  return ["a valid environment variable name must consist only of printable ASCII characters other than '='"];
}

function parentPath(value: string): string[] {
  if (value === ".") return ["must not be '.'"];
  if (value === "..") return ["must not be '..'"];
  return value.startsWith("..") ? ["must not start with '..'"] : [];
}

/** IANA service name: a named port of a container. */
export function isPortName(value: string): readonly string[] {
  const errors: string[] = [];
  if (value.length > 15) errors.push("must be no more than 15 characters");
  if (!/^[-a-z0-9]+$/.test(value)) {
    errors.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
  }
  if (!/[a-z]/.test(value)) errors.push("must contain at least one letter (a-z)");
  if (value.includes("--")) errors.push("must not contain consecutive hyphens");
  if (value.startsWith("-") || value.endsWith("-")) errors.push("must not begin or end with a hyphen");
  return errors;
}

export function isPortNumber(value: number): readonly string[] {
  return Number.isInteger(value) && value >= 1 && value <= 65535
    ? ok
    : ["must be between 1 and 65535, inclusive"];
}

/** A name that can stand in a URL path (RBAC objects and the like). */
export function isPathSegmentName(value: string): readonly string[] {
  if (value === "." || value === "..") return [`may not be '${value}'`];
  return ["/", "%"].filter((each) => value.includes(each)).map((each) => `may not contain '${each}'`);
}

/** Letters and digits without vowels and look-alikes, as Kubernetes uses for generated suffixes. */
export const safeAlphabet = "bcdfghjklmnpqrstvwxz2456789";

/** `random` gives numbers from 0 up to, not including, 1. */
function randomSuffix(random: () => number): string {
  let text = "";
  for (let i = 0; i < 5; i++) text += safeAlphabet[Math.floor(random() * safeAlphabet.length)];
  return text;
}

/** metadata.generateName plus five characters; the base is cut to keep the name within 63. */
export function generateName(base: string, random: () => number): string {
  return `${base.slice(0, 58)}${randomSuffix(random)}`;
}

/** How many bytes a text has in UTF-8: Kubernetes' limits are of these. */
export function byteLength(text: string): number {
  let length = 0;
  for (const character of text) {
    const code = character.codePointAt(0) as number;
    length += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return length;
}
