import type { CertificateSigningRequest } from "../../api/index.ts";
import {
  type Client,
  keyOf,
  type Informer,
  type ResourceClient,
  type WorkQueue,
} from "../../client/index.ts";
import { type CertificateSigningInput, readCertificateRequest } from "../../machinery/index.ts";
import { type ControllerContext, newQueue } from "../context.ts";

export const requestsOf = (client: Client): ResourceClient<CertificateSigningRequest> =>
  client.resource("certificates.k8s.io", "v1", "certificatesigningrequests", false);

/** All requests, and a queue of those that come or change. */
export function followRequests(context: ControllerContext): {
  requests: Informer<CertificateSigningRequest>;
  queue: WorkQueue;
} {
  const requests = context.informers.of(requestsOf(context.client));
  const queue = newQueue(context);
  requests.onChange((type, request) => {
    if (type !== "delete") queue.add(keyOf(request));
  });
  return { requests, queue };
}

/** The time of a condition that holds; undefined when it does not, "" where it says no time. */
export const conditionOf = (request: CertificateSigningRequest, type: string): string | undefined => {
  const found = request.status?.conditions?.find((each) => each.type === type && each.status === "True");
  return found && (found.lastUpdateTime ?? "");
};

/** Throws an Error when it cannot be read. */
export function readRequest({ metadata, spec }: CertificateSigningRequest): CertificateSigningInput {
  const read = readCertificateRequest(Buffer.from(spec.request, "base64").toString());
  if (!read) throw new Error(`unable to parse csr ${JSON.stringify(metadata?.name)}`);
  return read;
}
