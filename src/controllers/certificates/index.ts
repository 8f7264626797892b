export { runCertificateApprover } from "./approver.ts";
export { runCertificateCleaner } from "./cleaner.ts";
export { certificateSigner, type SigningConfig } from "./signer.ts";
export { type SignerName, signerNames } from "./signing-rules.ts";
