import type { CSIDriver, PersistentVolume, PersistentVolumeClaim, Pod } from "../../../api/index.ts";
import type { Authorizer, ObjectReader, UserInfo } from "../../auth-contract.ts";
import { forbidden, notFound } from "../../errors.ts";
import { nodeOf } from "./node-authorizer.ts";

const accounts = { group: "", kind: "ServiceAccount", plural: "serviceaccounts" };
const pods = { group: "", kind: "Pod", plural: "pods" };

export interface AskedToken {
  user: UserInfo;
  namespace: string;
  account: string;
  audiences: readonly string[];
  bound: { kind?: string; apiVersion?: string; name?: string; uid?: string } | undefined;
}

/**
 * NodeRestriction for tokens: a node may request tokens of its own pods, for audiences of their volumes or ones it is authorized
 * for. Throws 403 for others.
 */
export async function checkNodeToken(
  { user, namespace, account, audiences, bound }: AskedToken,
  objects: ObjectReader,
  authorizer: Authorizer,
): Promise<void> {
  const node = nodeOf(user);
  if (node === undefined) return;
  const refuse = (why: string): Error => forbidden(accounts, account, why);
  if (bound?.kind !== "Pod" || bound.apiVersion !== "v1" || !bound.name) {
    throw refuse("node requested token not bound to a pod");
  }
  if (!bound.uid) throw refuse("node requested token with a pod binding without a uid");
  const pod = objects.get<Pod>("", "pods", namespace, bound.name);
  if (!pod) throw notFound(pods, bound.name);
  if (pod.metadata?.uid !== bound.uid) {
    throw refuse(
      `the UID in the bound object reference (${bound.uid}) does not match the UID in record. The object might have been deleted and then recreated`,
    );
  }
  if (pod.spec?.nodeName !== node) {
    throw refuse("node requested token bound to a pod scheduled on a different node");
  }
  if (audiences.length > 1) throw refuse("node may only request 0 or 1 audiences");
  const audience = audiences[0] ?? "";
  if (hasVolumeFor(pod, audience, objects)) return;
  // The audience is checked in the place of a resource, so that roles can name it.
  const { allowed } = await authorizer.authorize({
    user,
    verb: "request-serviceaccounts-token-audience",
    apiGroup: "",
    apiVersion: "v1",
    resource: audience,
    subresource: "",
    namespace,
    name: account,
    path: "",
    isResource: true,
  });
  if (allowed) return;
  throw refuse(
    `audience ${JSON.stringify(audience)} not found in pod spec volume, ${user.name} is not authorized to request tokens for this audience`,
  );
}

function hasVolumeFor({ metadata, spec }: Pod, audience: string, objects: ObjectReader): boolean {
  const namespace = metadata?.namespace ?? "";
  const driverOf = (claimName: string): string | undefined => {
    const claim = objects.get<PersistentVolumeClaim>("", "persistentvolumeclaims", namespace, claimName);
    const volume = claim?.spec?.volumeName;
    if (!volume) return undefined;
    return objects.get<PersistentVolume>("", "persistentvolumes", undefined, volume)?.spec?.csi?.driver;
  };
  return (spec?.volumes ?? []).some(({ name, projected, csi, persistentVolumeClaim, ephemeral }) => {
    const own = projected?.sources?.some(
      ({ serviceAccountToken }) => serviceAccountToken && (serviceAccountToken.audience ?? "") === audience,
    );
    if (own) return true;
    const driver =
      csi?.driver ??
      (persistentVolumeClaim
        ? driverOf(persistentVolumeClaim.claimName)
        : ephemeral
          ? driverOf(`${metadata?.name}-${name}`)
          : undefined);
    if (!driver) return false;
    const { tokenRequests = [] } =
      objects.get<CSIDriver>("storage.k8s.io", "csidrivers", undefined, driver)?.spec ?? {};
    return tokenRequests.some((each) => (each.audience ?? "") === audience);
  });
}
