import type { KubeObject, Secret, ServiceAccount } from "../../../api/index.ts";
import type { ApiTransport } from "../../../client/index.ts";
import { isReason } from "../../../machinery/index.ts";
import type { ObjectReader } from "../../auth-contract.ts";
import { send } from "../rbac/bootstrap.ts";
import type { ServiceAccountTokens } from "./service-account-tokens.ts";

const secretType = "kubernetes.io/service-account-token";
const accountName = "kubernetes.io/service-account.name";
const accountUid = "kubernetes.io/service-account.uid";
const lastUsed = "kubernetes.io/legacy-token-last-used";

export const isTokenSecret = (object: KubeObject): boolean => (object as Secret).type === secretType;

const base64 = (text: string): string => Buffer.from(text).toString("base64");

export interface TokenSecretsContext {
  api: ApiTransport;
  objects: ObjectReader;
  tokens: ServiceAccountTokens;
  /** PEM of the authorities that pods trust. */
  rootCa: string | undefined;
}

/** Writes a token without expiry into every Secret that requests one for its ServiceAccount. */
export async function fillTokenSecrets({ api, objects, tokens, rootCa }: TokenSecretsContext): Promise<void> {
  for (const secret of objects.list<Secret>("", "secrets")) {
    if (!isTokenSecret(secret) || secret.metadata?.deletionTimestamp) continue;
    const { namespace = "", name = "", annotations } = secret.metadata ?? {};
    const account = objects.get<ServiceAccount>(
      "",
      "serviceaccounts",
      namespace,
      annotations?.[accountName] ?? "",
    );
    const uid = account?.metadata?.uid;
    // The token cleaner deletes Secrets whose account was deleted or recreated.
    if (!account || uid === undefined || (annotations?.[accountUid] ?? uid) !== uid) continue;
    const wanted: Record<string, string> = {
      ...(rootCa === undefined ? {} : { "ca.crt": base64(rootCa) }),
      namespace: base64(namespace),
    };
    const complete =
      annotations?.[accountUid] === uid &&
      secret.data?.token &&
      Object.entries(wanted).every(([key, value]) => secret.data?.[key] === value);
    if (complete) continue;
    const owner = { name: account.metadata?.name ?? "", uid };
    const token = secret.data?.token ?? base64(tokens.issueLegacy(namespace, owner, name));
    await put(api, {
      ...secret,
      metadata: { ...secret.metadata, annotations: { ...annotations, [accountUid]: uid } },
      data: { ...secret.data, ...wanted, token },
    });
  }
}

/** Records the day of a legacy token's last use, so that unused ones can be removed (KEP-2799). */
export async function markUsed(api: ApiTransport, secret: Secret, day: string): Promise<void> {
  const { metadata } = secret;
  if (metadata?.labels?.[lastUsed] === day) return;
  await put(api, { ...secret, metadata: { ...metadata, labels: { ...metadata?.labels, [lastUsed]: day } } });
}

async function put(api: ApiTransport, secret: Secret): Promise<void> {
  const { namespace = "", name = "" } = secret.metadata ?? {};
  try {
    await send(api, "PUT", `/api/v1/namespaces/${namespace}/secrets/${encodeURIComponent(name)}`, {
      ...secret,
      apiVersion: "v1",
      kind: "Secret",
    });
  } catch (error) {
    // Deleted or changed meanwhile: the change triggers another run.
    if (!isReason(error, "NotFound") && !isReason(error, "Conflict")) throw error;
  }
}
