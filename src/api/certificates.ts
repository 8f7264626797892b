/** certificates.k8s.io: CertificateSigningRequest, as data. */
import {
  duplicate,
  humanDuration,
  invalid,
  isDns1123Subdomain,
  notSupported,
  required,
} from "../machinery/index.ts";
import { ageColumn, column, nameColumn } from "./columns.ts";
import type { FieldError, KindDefinition, Strategy } from "./definition.ts";
import { kindsOf } from "./define.ts";
import type { CertificateSigningRequest } from "./generated/types.ts";

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
/** How a PEM block of a certificate request begins, in base64. */
const pemStart = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS";

function validate(request: CertificateSigningRequest): FieldError[] {
  const errors: FieldError[] = [];
  const spec: Partial<CertificateSigningRequest["spec"]> = request.spec ?? {};
  if (
    !spec.request?.startsWith(pemStart) &&
    !atob(spec.request ?? "").includes("BEGIN CERTIFICATE REQUEST")
  ) {
    errors.push(invalid("spec.request", spec.request ?? null, "PEM block type must be CERTIFICATE REQUEST"));
  }
  const given = spec.usages ?? [];
  if (given.length === 0) errors.push(required("spec.usages"));
  for (const [i, usage] of given.entries()) {
    if (!usages.includes(usage)) errors.push(notSupported(`spec.usages[${i}]`, usage, usages));
    if (given.indexOf(usage) < i) errors.push(duplicate(`spec.usages[${i}]`, usage));
  }
  const signer = spec.signerName ?? "";
  const [domain = "", path = ""] = signer.split("/");
  if (signer === "") errors.push(required("spec.signerName"));
  else if (path === "" || isDns1123Subdomain(domain).length > 0 || !domain.includes(".")) {
    errors.push(
      invalid(
        "spec.signerName",
        signer,
        "must be a fully qualified domain and path of the form 'example.com/signer-name'",
      ),
    );
  }
  const seconds = spec.expirationSeconds;
  if (seconds !== undefined && seconds < shortest) {
    errors.push(
      invalid(
        "spec.expirationSeconds",
        seconds,
        `may not specify a duration less than ${shortest} seconds (10 minutes)`,
      ),
    );
  }
  return errors;
}

/** /approval changes the conditions alone: who may approve is not who may fill in the certificate. */
const approval: Strategy = {
  prepareForUpdate(object, old) {
    const request = object as CertificateSigningRequest;
    const before = old as CertificateSigningRequest;
    const { conditions } = request.status ?? {};
    request.spec = before.spec;
    request.status = { ...before.status, ...(conditions ? { conditions } : {}) };
  },
};

export const certificateKinds: readonly KindDefinition[] = [
  define<CertificateSigningRequest>({
    kind: "CertificateSigningRequest",
    plural: "certificatesigningrequests",
    shortNames: ["csr"],
    namespaced: false,
    status: true,
    subresources: ["approval"],
    subresourceStrategies: { approval },
    defaults(request) {
      request.spec ??= {} as CertificateSigningRequest["spec"];
    },
    name: () => [],
    validate,
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
