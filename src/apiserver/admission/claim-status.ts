/**
 * Authorizes changes of parts of a ResourceClaim's status beyond the right to update it (KEP-4817): allocation and reservations
 * belong to the scheduler, device status to its driver. Both are authorized as synthetic subresources.
 */
import type { FieldError, KubeObject, ResourceClaimStatus } from "../../api/index.ts";
import { deepEqual } from "../../machinery/index.ts";
import type { AuthorizationAttributes, Authorizer, UserInfo } from "../auth-contract.ts";
import { denied } from "../errors.ts";
import type { AdmissionRequest } from "./chain.ts";

type Device = NonNullable<ResourceClaimStatus["devices"]>[number];
type Claim = KubeObject & { status?: ResourceClaimStatus };

const nodeNameKey = "authentication.kubernetes.io/node-name";

/** Errors of an update of a claim's status; none for other requests. */
export async function claimStatusErrors(
  { operation, resource, subresource, object, oldObject, user, info }: AdmissionRequest,
  authorizer: Authorizer,
): Promise<FieldError[]> {
  const { group, plural } = resource.def;
  if (operation !== "UPDATE" || subresource !== "status" || plural !== "resourceclaims") return [];
  if (group !== "resource.k8s.io") return [];
  const now = (object as Claim).status ?? {};
  const old = (oldObject as Claim).status ?? {};
  const errors: FieldError[] = [];
  /** The reason of a refusal; undefined when it is allowed. */
  const refusal = async (part: Partial<AuthorizationAttributes>): Promise<string | undefined> => {
    const { verb, apiGroup, apiVersion, namespace, path } = info;
    const asked: AuthorizationAttributes = {
      user,
      verb,
      apiGroup,
      apiVersion,
      resource: plural,
      subresource: "",
      namespace,
      name: "",
      path,
      isResource: true,
      ...part,
    };
    const { allowed, reason } = await authorizer.authorize(asked);
    return allowed ? undefined : denied(asked, reason).message;
  };
  const forbid = (field: string, why: string): void => {
    errors.push({ reason: "FieldValueForbidden", field, message: `Forbidden: ${why}` });
  };
  const { verb } = info;
  if (
    !deepEqual(now.allocation, old.allocation) ||
    !deepEqual(now.reservedFor ?? [], old.reservedFor ?? [])
  ) {
    // In all namespaces, since nodes are shared.
    const why = await refusal({ subresource: "binding", namespace: "" });
    if (why !== undefined) {
      const needed = `resource="resourceclaims/binding", verb="${verb}" permission`;
      forbid(
        "status.allocation",
        `changing status.allocation or status.reservedFor requires ${needed}: ${why}`,
      );
    }
  }
  if (!now.allocation) return errors;
  const verbs = [`arbitrary-node:${verb}`];
  if (isOnNode(user, nodeOf(now.allocation))) verbs.unshift(`associated-node:${verb}`);
  for (const driver of changedDrivers(now.devices ?? [], old.devices ?? [])) {
    let first: string | undefined;
    for (const each of verbs) {
      const why = await refusal({ verb: each, subresource: "driver", name: driver });
      first ??= why;
      if (why !== undefined) continue;
      first = undefined;
      break;
    }
    if (first === undefined) continue;
    const needed = `resource="resourceclaims/driver", verb="[${verbs.join(" ")}]" permission`;
    forbid("status.devices", `changing status.devices requires ${needed}: ${first}`);
  }
  return errors;
}

/** Drivers whose devices were added, removed or changed. */
function changedDrivers(now: readonly Device[], old: readonly Device[]): string[] {
  const keyOf = ({ driver, pool, device, shareID = "" }: Device): string =>
    [driver, pool, device, shareID].join("\0");
  const before = new Map(old.map((each) => [keyOf(each), each]));
  const drivers = new Set<string>();
  for (const each of now) {
    const key = keyOf(each);
    if (!deepEqual(before.get(key), each)) drivers.add(each.driver);
    before.delete(key);
  }
  for (const { driver } of before.values()) drivers.add(driver);
  return [...drivers].sort();
}

/** The node that a claim is allocated for; undefined when it is not for a single one. */
function nodeOf({ nodeSelector }: NonNullable<ResourceClaimStatus["allocation"]>): string | undefined {
  const [term, ...terms] = nodeSelector?.nodeSelectorTerms ?? [];
  const [field, ...fields] = term?.matchFields ?? [];
  if (!field || terms.length > 0 || fields.length > 0 || (term?.matchExpressions?.length ?? 0) > 0)
    return undefined;
  const { key, operator, values = [] } = field;
  return key === "metadata.name" && operator === "In" && values.length === 1 ? values[0] : undefined;
}

/** Whether the user is a service account whose token is bound to a pod on this node. */
function isOnNode({ name, extra }: UserInfo, node: string | undefined): boolean {
  const own = extra?.[nodeNameKey] ?? [];
  return (
    node !== undefined &&
    node !== "" &&
    /^system:serviceaccount:[^:]+:[^:]+$/.test(name) &&
    own.length === 1 &&
    own[0] === node
  );
}
