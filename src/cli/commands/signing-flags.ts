/** Certificate signing flags, named as in kube-controller-manager. */
import type { SigningFiles } from "../../cluster/index.ts";
import { type Flags, type FlagSpec, UsageError } from "../flags.ts";
import { durationOf, fileOf } from "./flag-values.ts";

type Signers = SigningFiles["signers"];

/** Signers by their name in flags. */
const bySigner = {
  "kubelet-serving": "kubernetes.io/kubelet-serving",
  "kubelet-client": "kubernetes.io/kube-apiserver-client-kubelet",
  "kube-apiserver-client": "kubernetes.io/kube-apiserver-client",
  "legacy-unknown": "kubernetes.io/legacy-unknown",
} as const satisfies Record<string, keyof Signers>;

export const signingFlags: readonly FlagSpec[] = [
  {
    long: "cluster-signing-cert-file",
    type: "string",
    help: "certificate (PEM) of the authority of all built-in signers",
  },
  { long: "cluster-signing-key-file", type: "string", help: "its private key (PEM)" },
  {
    long: "cluster-signing-duration",
    type: "string",
    help: "longest lifetime of a certificate; default 8760h0m0s",
  },
  ...Object.entries(bySigner).flatMap(([short, name]): FlagSpec[] => [
    {
      long: `cluster-signing-${short}-cert-file`,
      type: "string",
      help: `certificate of the authority of ${name}`,
    },
    { long: `cluster-signing-${short}-key-file`, type: "string", help: "its private key" },
  ]),
];

/** Undefined: certificates are not signed. Throws a UsageError for inconsistent flags. */
export function signingOf(flags: Flags): SigningFiles | undefined {
  const pair = (prefix: string) => ({
    cert: fileOf(flags, `${prefix}-cert-file`),
    key: fileOf(flags, `${prefix}-key-file`),
  });
  const all = pair("cluster-signing");
  const signers: Signers = {};
  for (const [short, name] of Object.entries(bySigner)) {
    const { cert, key } = pair(`cluster-signing-${short}`);
    if (!cert && !key) continue;
    const flag = JSON.stringify(`cluster-signing-${short}`);
    if (!key) throw new UsageError(`${flag}: cannot specify cert without key`);
    if (!cert) throw new UsageError(`${flag}: cannot specify key without cert`);
    signers[name] = { cert, key };
  }
  const special = Object.keys(signers).length > 0;
  if (special && (all.cert || all.key))
    throw new UsageError(
      "cannot specify --cluster-signing-{cert,key}-file and other --cluster-signing-*-file flags at the same time",
    );
  const { cert, key } = all;
  if (cert && key) for (const name of Object.values(bySigner)) signers[name] = { cert, key };
  else if (!special) return undefined;
  const durationMs = durationOf(flags, "cluster-signing-duration");
  return { signers, ...(durationMs === undefined ? {} : { durationMs }) };
}
