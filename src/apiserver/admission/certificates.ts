/** Admission of CertificateSigningRequests: CertificateApproval, CertificateSigning, CertificateSubjectRestriction. */
import type { CertificateSigningRequest } from "../../api/index.ts";
import { deepEqual, readCertificateRequest } from "../../machinery/index.ts";
import { nowTime } from "../core.ts";
import type { UserInfo } from "../auth-contract.ts";
import { forbidden } from "../errors.ts";
import type { AdmissionPlugin, AdmissionRequest } from "./chain.ts";
import type { PluginContext } from "./context.ts";

const isRequest = ({ resource }: AdmissionRequest): boolean =>
  resource.def.group === "certificates.k8s.io" && resource.def.plural === "certificatesigningrequests";

/** Whether the authorizers grant the verb on the signer, by its name or its domain. */
async function maySign(
  { authorizer }: PluginContext,
  user: UserInfo,
  verb: string,
  signer: string,
): Promise<boolean> {
  for (const name of [signer, `${signer.split("/")[0]}/*`]) {
    const { allowed } = await authorizer.authorize({
      user,
      verb,
      apiGroup: "certificates.k8s.io",
      apiVersion: "*",
      resource: "signers",
      subresource: "",
      namespace: "",
      name,
      path: "",
      isResource: true,
    });
    if (allowed) return true;
  }
  return false;
}

/** Sets the requester's fields from the authenticated user. */
export const certificateRequester: AdmissionPlugin = {
  name: "CertificateRequester",
  // In `allocate`, which runs after all mutating plugins and before validation.
  allocate(request) {
    if (request.operation !== "CREATE" || !isRequest(request) || request.subresource !== "") return;
    const { object, user } = request;
    const {
      username: _name,
      uid: _uid,
      groups: _groups,
      extra: _extra,
      ...spec
    } = (object as CertificateSigningRequest).spec;
    (object as CertificateSigningRequest).spec = {
      ...spec,
      ...(user.name ? { username: user.name } : {}),
      ...(user.uid ? { uid: user.uid } : {}),
      ...(user.groups.length > 0 ? { groups: [...user.groups] } : {}),
      ...(user.extra && Object.keys(user.extra).length > 0
        ? { extra: Object.fromEntries(Object.entries(user.extra).map(([key, values]) => [key, [...values]])) }
        : {}),
    };
  },
};

type Condition = NonNullable<NonNullable<CertificateSigningRequest["status"]>["conditions"]>[number];

/** Sets missing times of conditions. */
export function certificateConditionTimes({ clock }: PluginContext): AdmissionPlugin {
  return {
    name: "CertificateConditionTimes",
    allocate(request) {
      if (request.operation !== "UPDATE" || !isRequest(request)) return;
      if (request.subresource !== "status" && request.subresource !== "approval") return;
      const now = nowTime(clock);
      const { status } = request.object as CertificateSigningRequest;
      const before = (request.oldObject as CertificateSigningRequest).status?.conditions ?? [];
      const timed = ({ ...condition }: Condition): Condition => {
        condition.lastUpdateTime ??= now as never;
        const known = before.find((each) => each.type === condition.type && each.status === condition.status);
        condition.lastTransitionTime ??= known?.lastTransitionTime ?? (now as never);
        return condition;
      };
      if (status?.conditions) status.conditions = status.conditions.map(timed);
    },
  };
}

/** Approving or denying a request requires the right for its signer. */
export function certificateApproval(context: PluginContext): AdmissionPlugin {
  return {
    name: "CertificateApproval",
    async validate(request) {
      if (request.operation !== "UPDATE" || !isRequest(request) || request.subresource !== "approval") return;
      const { signerName } = (request.oldObject as CertificateSigningRequest).spec;
      if (await maySign(context, request.user, "approve", signerName)) return;
      const why = `user not permitted to approve requests with signerName ${JSON.stringify(signerName)}`;
      throw forbidden(request.resource.def, request.name, why);
    },
  };
}

/** Writing a certificate or a condition requires the right for its signer. */
export function certificateSigning(context: PluginContext): AdmissionPlugin {
  return {
    name: "CertificateSigning",
    async validate(request) {
      if (request.operation !== "UPDATE" || !isRequest(request) || request.subresource !== "status") return;
      const [now, old] = [request.object, request.oldObject] as CertificateSigningRequest[];
      const same =
        (now?.status?.certificate ?? "") === (old?.status?.certificate ?? "") &&
        deepEqual(now?.status?.conditions ?? [], old?.status?.conditions ?? []);
      const signerName = old?.spec.signerName ?? "";
      if (same || (await maySign(context, request.user, "sign", signerName))) return;
      const why = `user not permitted to sign requests with signerName ${JSON.stringify(signerName)}`;
      throw forbidden(request.resource.def, request.name, why);
    },
  };
}

const clientSigner = "kubernetes.io/kube-apiserver-client";

/** Refuses requests for membership of system:masters. */
export const certificateSubjectRestriction: AdmissionPlugin = {
  name: "CertificateSubjectRestriction",
  validate(request) {
    if (request.operation !== "CREATE" || !isRequest(request) || request.subresource !== "") return;
    const { spec } = request.object as CertificateSigningRequest;
    if (spec.signerName !== clientSigner) return;
    const subject = readCertificateRequest(Buffer.from(spec.request, "base64").toString());
    const refuse = (why: string): Error =>
      forbidden(request.resource.def, request.object?.metadata?.name ?? "", why);
    if (!subject) throw refuse("failed to parse CSR: it is not a PKCS #10 request");
    if (subject.organizations.includes("system:masters")) {
      throw refuse(`use of ${clientSigner} signer with system:masters group is not allowed`);
    }
  },
};
