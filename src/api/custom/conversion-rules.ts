/** Rules for spec.conversion. */
import {
  forbidden,
  invalid,
  isDns1035Label,
  notSupported,
  repeatsIn,
  required,
} from "../../machinery/index.ts";
import { validateClient } from "../webhook-rules.ts";
import type { FieldError } from "../definition.ts";
import type { CustomResourceConversion } from "../generated/types.ts";

/** Supported versions of ConversionReview. */
const reviewVersions = ["v1", "v1beta1"];
const path = "spec.conversion";

/** `bundleMatters`: an invalid CA bundle is an error, since objects are converted already. */
export function conversionProblems(
  conversion: CustomResourceConversion | undefined,
  bundleMatters: boolean,
): FieldError[] {
  if (!conversion) return [];
  const errors: FieldError[] = [];
  const { strategy, webhook } = conversion;
  if (!strategy) errors.push(required(`${path}.strategy`));
  else if (strategy !== "None" && strategy !== "Webhook")
    errors.push(notSupported(`${path}.strategy`, strategy, ["None", "Webhook"]));
  const client = webhook?.clientConfig;
  const versions = webhook?.conversionReviewVersions ?? [];
  if (strategy === "Webhook") {
    const at = `${path}.webhookClientConfig`;
    if (client) {
      validateClient(client, at, errors);
      if (bundleMatters && client.caBundle && !isBundle(client.caBundle))
        errors.push(
          invalid(
            `${at}.caBundle`,
            client.caBundle,
            "unable to load root certificates: unable to parse bytes as PEM block",
          ),
        );
    } else errors.push(required(at, "required when strategy is set to Webhook"));
    checkVersions(versions, errors);
    return errors;
  }
  const misplaced = "should not be set when strategy is not set to Webhook";
  if (client) errors.push(forbidden(`${path}.webhookClientConfig`, misplaced));
  if (versions.length > 0) errors.push(forbidden(`${path}.conversionReviewVersions`, misplaced));
  return errors;
}

export const isBundle = (text: string): boolean =>
  Buffer.from(text, "base64").toString("latin1").includes("-----BEGIN CERTIFICATE-----");

function checkVersions(versions: readonly string[], errors: FieldError[]): void {
  const at = `${path}.conversionReviewVersions`;
  if (versions.length === 0) {
    errors.push(required(at));
    return;
  }
  const again = repeatsIn(versions);
  versions.forEach((version, i) => {
    if (again.has(i)) errors.push(invalid(`${at}[${i}]`, version, "duplicate version"));
    else for (const text of isDns1035Label(version)) errors.push(invalid(`${at}[${i}]`, version, text));
  });
  if (!versions.some((version) => reviewVersions.includes(version)))
    errors.push(invalid(at, versions, `must include at least one of ${reviewVersions.join(", ")}`));
}
