/**
 * What a TLS client trusts, as Go does: every certificate that is named, be it an authority or the very one that a server
 * shows. OpenSSL alone takes authorities that signed themselves only. `ca`: PEM; undefined or "" for the machine's own.
 */
export const trusting = (ca: string | undefined): { ca?: string; allowPartialTrustChain?: true } =>
  ca ? { ca, allowPartialTrustChain: true } : {};
