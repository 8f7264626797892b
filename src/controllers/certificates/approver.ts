import type { CertificateSigningRequest, KubeObject } from "../../api/index.ts";
import { type Outcome, settled } from "../../client/index.ts";
import type { ControllerContext } from "../context.ts";
import { conditionOf, readRequest, requestsOf, runRequestLoop, withCondition } from "./requests.ts";
import { kubeletClient } from "./signing-rules.ts";

interface Review extends KubeObject {
  spec: object;
  status?: { allowed?: boolean };
}

/** Interval of retries for requestors that lack permission. */
const againMs = 30_000;

/** Approves nodes' requests for client certificates, if the requestor is authorized (`nodeclient`, `selfnodeclient`). */
export async function runCertificateApprover(context: ControllerContext): Promise<void> {
  const { client } = context;
  const api = requestsOf(client);
  const reviews = client.resource<Review>("authorization.k8s.io", "v1", "subjectaccessreviews", false);

  await runRequestLoop(context, {
    name: "csrapproving",
    workers: 2,
    async reconcile(request) {
      if (request.status?.certificate) return settled;
      if (conditionOf(request, "Approved") !== undefined || conditionOf(request, "Denied") !== undefined)
        return settled;
      const { spec } = request;
      if (spec.signerName !== "kubernetes.io/kube-apiserver-client-kubelet") return settled;
      const read = readRequest(request);
      if (kubeletClient(read, spec.usages ?? []) !== undefined) return settled;
      const own = spec.username === read.commonName;
      if (own && (await may(request, "selfnodeclient")))
        return await approve(
          request,
          "Auto approving self kubelet client certificate after SubjectAccessReview.",
        );
      if (await may(request, "nodeclient"))
        return await approve(request, "Auto approving kubelet client certificate after SubjectAccessReview.");
      return { kind: "again", afterMs: againMs, why: "who asks may not have such a certificate" };
    },
  });

  async function may({ spec }: CertificateSigningRequest, subresource: string): Promise<boolean> {
    const { username, uid, groups, extra } = spec;
    const review = await reviews.create(undefined, {
      spec: {
        ...(username ? { user: username } : {}),
        ...(uid ? { uid } : {}),
        ...(groups ? { groups } : {}),
        ...(extra ? { extra } : {}),
        resourceAttributes: {
          group: "certificates.k8s.io",
          resource: "certificatesigningrequests",
          verb: "create",
          version: "*",
          subresource,
        },
      },
    });
    return review.status?.allowed === true;
  }

  async function approve(request: CertificateSigningRequest, message: string): Promise<Outcome> {
    const next = withCondition(request, { type: "Approved", reason: "AutoApproved", message });
    await api.subresource(undefined, request.metadata?.name ?? "", "approval", "PUT", next);
    return settled;
  }
}
