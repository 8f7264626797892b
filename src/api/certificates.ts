/** certificates.k8s.io: CertificateSigningRequest. */
import {
  duplicate,
  forbidden,
  humanDuration,
  invalid,
  isDns1123Label,
  isDns1123Subdomain,
  notSupported,
  repeatsIn,
  required,
  tooLong,
} from "../machinery/index.ts";
import { certificateProblem, fromBase64, requestProblem } from "./certificate-data.ts";
import { ageColumn, column, nameColumn } from "./columns.ts";
import type { FieldError, KindDefinition, Strategy } from "./definition.ts";
import { kindsOf } from "./define.ts";
import type { CertificateSigningRequest } from "./generated/types.ts";
import { validateAnyMetaUpdate, validateMeta, validateMetaUpdate } from "./metadata.ts";

const define = kindsOf("certificates.k8s.io", "v1", "io.k8s.api.certificates.v1");

function condition(request: CertificateSigningRequest): string {
  const has = (type: string): boolean =>
    request.status?.conditions?.some((each) => each.type === type) ?? false;
  const parts = [has("Denied") ? "Denied" : has("Approved") ? "Approved" : "Pending"];
  if (has("Failed")) parts.push("Failed");
  if (request.status?.certificate) parts.push("Issued");
  return parts.join(",");
}

const usages = [
  "any",
  "cert sign",
  "client auth",
  "code signing",
  "content commitment",
  "crl sign",
  "data encipherment",
  "decipher only",
  "digital signature",
  "email protection",
  "encipher only",
  "ipsec end system",
  "ipsec tunnel",
  "ipsec user",
  "key agreement",
  "key encipherment",
  "microsoft sgc",
  "netscape sgc",
  "ocsp signing",
  "s/mime",
  "server auth",
  "signing",
  "timestamping",
];
const shortest = 600;
const legacySigner = "kubernetes.io/legacy-unknown";
const longestDomain = 253;
const longestSigner = longestDomain + (253 + 63 + 1) + 1;

type Condition = NonNullable<NonNullable<CertificateSigningRequest["status"]>["conditions"]>[number];
const conditionsOf = (request: CertificateSigningRequest): Condition[] => request.status?.conditions ?? [];
const ofType = (request: CertificateSigningRequest, type: string): Condition[] =>
  conditionsOf(request).filter((each) => each.type === type);

/** `example.com/signer-name` */
function validateSigner(signer: string, path: string, errors: FieldError[]): void {
  if (signer === "") {
    errors.push(required(path));
    return;
  }
  const segments = signer.split("/");
  const [domain = "", name = ""] = segments;
  if (segments.length !== 2) {
    const text = "must be a fully qualified domain and path of the form 'example.com/signer-name'";
    errors.push(invalid(path, signer, text));
    return;
  }
  /** The error of the first invalid label. */
  const labels = (value: string, rule: (label: string) => readonly string[]): void => {
    for (const label of value.split(".")) {
      const texts = rule(label);
      for (const text of texts)
        errors.push(invalid(path, value, `validating label ${JSON.stringify(label)}: ${text}`));
      if (texts.length > 0) return;
    }
  };
  if (domain.length > longestDomain) errors.push(tooLong(path, longestDomain));
  labels(domain, isDns1123Label);
  if (!domain.includes("."))
    errors.push(invalid(path, domain, "should be a domain with at least two segments separated by dots"));
  labels(name, isDns1123Subdomain);
  if (signer.length > longestSigner) errors.push(tooLong(path, longestSigner));
}

/** Condition types that can only be True. */
const onlyTrue = ["Approved", "Denied", "Failed"];
const statuses = ["False", "True", "Unknown"];
const hasTwice = (values: readonly string[]): boolean => new Set(values).size < values.length;
const typesOf = (request: CertificateSigningRequest): string[] =>
  conditionsOf(request).map((each) => each.type ?? "");

/** Existing errors may stay. */
function validateConditions(
  request: CertificateSigningRequest,
  old?: CertificateSigningRequest,
): FieldError[] {
  const errors: FieldError[] = [];
  const before = old ? typesOf(old) : [];
  const seen = new Set<string>();
  for (const [i, { type = "", status = "" }] of conditionsOf(request).entries()) {
    const path = `status.conditions[${i}]`;
    if (type === "" && !before.includes("")) errors.push(required(`${path}.type`));
    const allowed = onlyTrue.includes(type) ? ["True"] : statuses;
    if (status === "") errors.push(required(`${path}.status`));
    else if (!allowed.includes(status)) errors.push(notSupported(`${path}.status`, status, allowed));
    const other = type === "Approved" ? "Denied" : type === "Denied" ? "Approved" : undefined;
    if (other && seen.has(other) && !(before.includes("Approved") && before.includes("Denied"))) {
      const text = "Approved and Denied conditions are mutually exclusive";
      errors.push(invalid("status.conditions", type, text));
    }
    if (seen.has(type) && !hasTwice(before)) errors.push(duplicate(`${path}.type`, type));
    seen.add(type);
  }
  return errors;
}

function validateRequest(request: CertificateSigningRequest, old?: CertificateSigningRequest): FieldError[] {
  const errors: FieldError[] = [];
  const spec: Partial<CertificateSigningRequest["spec"]> = request.spec ?? {};
  const problem = requestProblem(fromBase64(spec.request ?? ""));
  if (problem) errors.push(invalid("spec.request", spec.request ?? null, problem));
  const given: readonly string[] = spec.usages ?? [];
  const before: readonly string[] = old?.spec?.usages ?? [];
  if (given.length === 0) errors.push(required("spec.usages"));
  if (before.every((usage) => usages.includes(usage)))
    for (const [i, usage] of given.entries())
      if (!usages.includes(usage)) errors.push(notSupported(`spec.usages[${i}]`, usage, usages));
  if (!hasTwice(before))
    for (const i of repeatsIn(given)) errors.push(duplicate(`spec.usages[${i}]`, given[i]));
  const signer = spec.signerName ?? "";
  if (signer === legacySigner && old?.spec?.signerName !== legacySigner) {
    const text = "the legacy signerName is not allowed via this API version";
    errors.push(invalid("spec.signerName", signer, text));
  } else validateSigner(signer, "spec.signerName", errors);
  const seconds = spec.expirationSeconds;
  if (seconds !== undefined && seconds < shortest) {
    const text = `may not specify a duration less than ${shortest} seconds (10 minutes)`;
    errors.push(invalid("spec.expirationSeconds", seconds, text));
  }
  errors.push(...validateConditions(request, old));
  const certificate = request.status?.certificate ?? "";
  const known = old?.status?.certificate ?? "";
  if (!old || (certificate !== known && !certificateProblem(fromBase64(known)))) {
    const wrong = certificateProblem(fromBase64(certificate));
    if (wrong) errors.push(invalid("status.certificate", "<certificate data>", wrong));
  }
  return errors;
}

/** The fields of each endpoint: approval conditions at /approval, the certificate at /status. */
function validateChange(
  request: CertificateSigningRequest,
  old: CertificateSigningRequest,
  may: "nothing" | "approve" | "issue",
): FieldError[] {
  const errors = validateRequest(request, old);
  const path = "status.conditions";
  for (const type of onlyTrue)
    if (ofType(request, type).length < ofType(old, type).length)
      errors.push(forbidden(path, `updates may not remove a condition of type ${JSON.stringify(type)}`));
  if (may !== "approve")
    for (const type of ["Approved", "Denied"])
      if (ofType(request, type).length > ofType(old, type).length)
        errors.push(forbidden(path, `updates may not add a condition of type ${JSON.stringify(type)}`));
  const known = old.status?.certificate ?? "";
  if ((request.status?.certificate ?? "") !== known) {
    if (may !== "issue")
      errors.push(forbidden("status.certificate", "updates may not set certificate content"));
    else if (known !== "")
      errors.push(forbidden("status.certificate", "updates may not modify existing certificate content"));
  }
  return errors;
}

/** /status does not change approval conditions. */
function keepApproval(request: CertificateSigningRequest, old: CertificateSigningRequest): void {
  const conditions = request.status?.conditions;
  for (const type of ["Approved", "Denied"]) {
    const before = ofType(old, type);
    if (!conditions || before.length !== ofType(request, type).length) continue;
    let next = 0;
    for (const [i, each] of conditions.entries())
      if (each.type === type) conditions[i] = before[next++] as Condition;
  }
}

const rules = { namespaced: false, nameRule: () => [] };

/** /approval changes only the conditions: approvers cannot set the certificate. */
const approval: Strategy = {
  prepareForUpdate(object, old) {
    const request = object as CertificateSigningRequest;
    const before = old as CertificateSigningRequest;
    const { conditions } = request.status ?? {};
    request.spec = before.spec;
    request.status = { ...before.status };
    if (conditions) request.status.conditions = conditions;
    else delete request.status.conditions;
  },
  validateUpdate(object, old) {
    return [
      ...validateAnyMetaUpdate(object.metadata, old.metadata, false),
      ...validateMeta(object.metadata, rules),
      ...validateChange(object as CertificateSigningRequest, old as CertificateSigningRequest, "approve"),
      ...validateMetaUpdate(object.metadata, old.metadata),
    ];
  },
};

export const certificateKinds: readonly KindDefinition[] = [
  define<CertificateSigningRequest>({
    kind: "CertificateSigningRequest",
    plural: "certificatesigningrequests",
    shortNames: ["csr"],
    namespaced: false,
    status: {
      prepareForUpdate: (request, old) =>
        keepApproval(request as CertificateSigningRequest, old as CertificateSigningRequest),
    },
    onUpdate: ["metadata", "change", "metadataChange"],
    onStatus: ["metadata", "change", "metadataChange"],
    subresources: ["approval"],
    subresourceStrategies: { approval },
    defaults(request) {
      request.spec ??= {} as CertificateSigningRequest["spec"];
    },
    name: () => [],
    // Requests are changed only by subresources.
    prepareForUpdate(request, old) {
      request.spec = old.spec;
    },
    validate: (request) => validateRequest(request),
    validateUpdate: (request, old) => validateChange(request, old, "nothing"),
    validateStatus: (request, old) => validateChange(request, old, "issue"),
    columns: [
      nameColumn,
      ageColumn,
      column<CertificateSigningRequest>("SignerName", "string", (each) => each.spec.signerName || "<none>"),
      column<CertificateSigningRequest>("Requestor", "string", (each) => each.spec.username ?? ""),
      column<CertificateSigningRequest>("RequestedDuration", "string", (each) =>
        each.spec.expirationSeconds === undefined
          ? "<none>"
          : humanDuration(each.spec.expirationSeconds * 1000),
      ),
      column<CertificateSigningRequest>("Condition", "string", condition),
    ],
    selectableFields: { "spec.signerName": (each) => each.spec?.signerName ?? "" },
  }),
];
