import type { CertificateSigningRequest } from "../../api/index.ts";
import { type Client, keyOf, type Outcome, type ResourceClient, settled } from "../../client/index.ts";
import { type CertificateSigningInput, readCertificateRequest } from "../../machinery/index.ts";
import { type ControllerContext, newQueue, runLoop } from "../context.ts";

export const requestsOf = (client: Client): ResourceClient<CertificateSigningRequest> =>
  client.resource("certificates.k8s.io", "v1", "certificatesigningrequests", false);

export interface RequestLoop {
  name: string;
  workers: number;
  reconcile(request: CertificateSigningRequest): Promise<Outcome>;
}

/** Processes all requests, and each new or changed one. Resolves when the signal aborts. */
export async function runRequestLoop(
  context: ControllerContext,
  { name, workers, reconcile }: RequestLoop,
): Promise<void> {
  const requests = context.informers.of(requestsOf(context.client));
  const queue = newQueue(context);
  requests.onChange((type, request) => {
    if (type !== "delete") queue.add(keyOf(request));
  });
  await runLoop(context, {
    name,
    queue,
    workers,
    needs: [requests],
    async reconcile(key) {
      const request = requests.get(key);
      return request ? await reconcile(request) : settled;
    },
  });
}

type Status = NonNullable<CertificateSigningRequest["status"]>;
type Condition = NonNullable<Status["conditions"]>[number];

/** A copy with this condition added. */
export const withCondition = (
  request: CertificateSigningRequest,
  condition: Omit<Condition, "status">,
): CertificateSigningRequest => {
  const conditions = [...(request.status?.conditions ?? []), { ...condition, status: "True" }];
  return { ...request, status: { ...request.status, conditions } };
};

/** The time of a condition that is True; undefined when it is not, "" without a time. */
export const conditionOf = (request: CertificateSigningRequest, type: string): string | undefined => {
  const found = request.status?.conditions?.find((each) => each.type === type && each.status === "True");
  return found && (found.lastUpdateTime ?? "");
};

/** Throws an Error when it is invalid. */
export function readRequest({ metadata, spec }: CertificateSigningRequest): CertificateSigningInput {
  const read = readCertificateRequest(Buffer.from(spec.request, "base64").toString());
  if (!read) throw new Error(`unable to parse csr ${JSON.stringify(metadata?.name)}`);
  return read;
}
