/** Converts the spec of an access review into attributes for authorizers. Pure. */
import type { LabelSelectorRequirement, SubjectAccessReviewSpec } from "../../../api/index.ts";
import { parseFieldSelector, parseLabelSelector } from "../../../machinery/index.ts";
import type { AuthorizationAttributes, UserInfo } from "../../auth-contract.ts";

interface Read {
  text?: string;
  /** Whether a part was not understood, which makes the question wider than intended. */
  ignored: boolean;
}

export function attributesOf(
  spec: SubjectAccessReviewSpec,
  user: UserInfo,
): { attributes: AuthorizationAttributes; evaluationError: string } {
  const { resourceAttributes: resource, nonResourceAttributes: path } = spec;
  const field = readField(resource?.fieldSelector);
  const label = readLabel(resource?.labelSelector);
  const problem = (name: string, { text, ignored }: Read): string[] =>
    ignored
      ? [
          `spec.resourceAttributes.${name} ${text === undefined ? "" : "partially "}ignored due to parse error`,
        ]
      : [];
  return {
    attributes: {
      user,
      verb: resource?.verb ?? path?.verb ?? "",
      apiGroup: resource?.group ?? "",
      apiVersion: resource ? resource.version || "*" : "",
      resource: resource?.resource ?? "",
      subresource: resource?.subresource ?? "",
      namespace: resource?.namespace ?? "",
      name: resource?.name ?? "",
      path: path?.path ?? "",
      isResource: resource !== undefined,
      ...(field.text === undefined ? {} : { fieldSelector: field.text }),
      ...(label.text === undefined ? {} : { labelSelector: label.text }),
    },
    evaluationError: [...problem("fieldSelector", field), ...problem("labelSelector", label)].join("; "),
  };
}

interface Selector {
  rawSelector?: string;
  requirements?: readonly LabelSelectorRequirement[];
}

function readField(selector: Selector | undefined): Read {
  if (!selector) return { ignored: false };
  if (selector.rawSelector) return parsed(selector.rawSelector, parseFieldSelector);
  const parts: string[] = [];
  for (const { key, operator, values = [] } of selector.requirements ?? []) {
    const sign = operator === "In" ? "=" : operator === "NotIn" ? "!=" : undefined;
    if (sign && values.length === 1) parts.push(`${key}${sign}${escaped(values[0] ?? "")}`);
  }
  return joined(parts, selector.requirements?.length ?? 0);
}

/** Special characters of field selectors. */
const escaped = (value: string): string => value.replaceAll(/[\\,=]/g, "\\$&");

function readLabel(selector: Selector | undefined): Read {
  if (!selector) return { ignored: false };
  if (selector.rawSelector) return parsed(selector.rawSelector, parseLabelSelector);
  const parts: string[] = [];
  for (const { key, operator, values = [] } of selector.requirements ?? []) {
    if (operator === "In") parts.push(`${key} in (${values.join(",")})`);
    else if (operator === "NotIn") parts.push(`${key} notin (${values.join(",")})`);
    else if (operator === "Exists") parts.push(key);
    else if (operator === "DoesNotExist") parts.push(`!${key}`);
  }
  return joined(parts, selector.requirements?.length ?? 0);
}

const joined = (parts: readonly string[], wanted: number): Read => ({
  ...(parts.length > 0 ? { text: parts.join(",") } : {}),
  ignored: parts.length < wanted,
});

function parsed(text: string, parse: (text: string) => unknown): Read {
  try {
    parse(text);
    return { text, ignored: false };
  } catch {
    return { ignored: true };
  }
}
