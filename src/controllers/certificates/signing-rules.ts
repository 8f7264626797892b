/** Requirements of the built-in signers (`kubernetes.io/*`, KEP-3257). */
import type { CertificateSigningInput } from "../../machinery/index.ts";

export const signerNames = [
  "kubernetes.io/kubelet-serving",
  "kubernetes.io/kube-apiserver-client-kubelet",
  "kubernetes.io/kube-apiserver-client",
  "kubernetes.io/legacy-unknown",
] as const;
export type SignerName = (typeof signerNames)[number];

export const isSignerName = (name: string): name is SignerName => signerNames.includes(name as SignerName);

type Rule = (request: CertificateSigningInput, usages: readonly string[]) => string | undefined;

const sameSet = (a: readonly string[], b: readonly string[]): boolean => {
  const set = new Set(a);
  return set.size === b.length && b.every((each) => set.has(each));
};

/** With and without the usage that only RSA needs. */
const usagesOf = (purpose: string): [all: string[], short: string[]] => [
  ["digital signature", "key encipherment", purpose],
  ["digital signature", purpose],
];

function usageProblem(usages: readonly string[], purpose: string): string | undefined {
  const [all, short] = usagesOf(purpose);
  return sameSet(usages, all) || sameSet(usages, short)
    ? undefined
    : `usages did not match [${all.sort().join(" ")}]`;
}

/** The last of several common names counts, but other readers may take another one. */
function nodeNameProblem({ commonName, commonNames }: CertificateSigningInput): string | undefined {
  if (!commonName.startsWith("system:node:")) return "subject common name does not begin with system:node:";
  return commonNames.length > 1 ? "subject has more than one common name" : undefined;
}

const isNodes = ({ organizations }: CertificateSigningInput): boolean =>
  organizations.length === 1 && organizations[0] === "system:nodes";

const kubeletServing: Rule = (request, usages) => {
  if (!isNodes(request)) return "subject organization is not system:nodes";
  if (request.dnsNames.length === 0 && request.ipAddresses.length === 0)
    return "DNS or IP subjectAltName is required";
  if (request.emailAddresses.length > 0) return "Email subjectAltNames are not allowed";
  if (request.uris.length > 0) return "URI subjectAltNames are not allowed";
  const problem = usageProblem(usages, "server auth");
  if (problem) return problem;
  return nodeNameProblem(request);
};

/** Also the requests that may be approved automatically. */
export const kubeletClient: Rule = (request, usages) => {
  if (!isNodes(request)) return "subject organization is not system:nodes";
  if (request.dnsNames.length > 0) return "DNS subjectAltNames are not allowed";
  if (request.emailAddresses.length > 0) return "Email subjectAltNames are not allowed";
  if (request.ipAddresses.length > 0) return "IP subjectAltNames are not allowed";
  if (request.uris.length > 0) return "URI subjectAltNames are not allowed";
  return nodeNameProblem(request) ?? usageProblem(usages, "client auth");
};

const apiServerClient: Rule = (_request, usages) => {
  const odd = usages.find(
    (usage) => !["digital signature", "key encipherment", "client auth"].includes(usage),
  );
  if (odd !== undefined) return `invalid usage for client certificate: ${odd}`;
  return usages.includes("client auth")
    ? undefined
    : "missing required usage for client certificate: client auth";
};

/** Why a signer refuses a request; undefined when it does not. */
export const signingProblem: Readonly<Record<SignerName, Rule>> = {
  "kubernetes.io/kubelet-serving": kubeletServing,
  "kubernetes.io/kube-apiserver-client-kubelet": kubeletClient,
  "kubernetes.io/kube-apiserver-client": apiServerClient,
  "kubernetes.io/legacy-unknown": () => undefined,
};
