/** certificates.k8s.io: CertificateSigningRequest, as data. */
import { humanDuration } from "../machinery/index.ts";
import { ageColumn, column, nameColumn } from "./columns.ts";
import type { KindDefinition } from "./definition.ts";
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

export const certificateKinds: readonly KindDefinition[] = [
  define<CertificateSigningRequest>({
    kind: "CertificateSigningRequest",
    plural: "certificatesigningrequests",
    shortNames: ["csr"],
    namespaced: false,
    status: true,
    subresources: ["approval"],
    defaults(request) {
      if (request.spec && !request.spec.usages?.length)
        request.spec.usages = ["digital signature", "key encipherment"];
    },
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
