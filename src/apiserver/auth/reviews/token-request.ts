import type { Node, Pod, Secret, ServiceAccount } from "../../../api/index.ts";
import { StatusError } from "../../../machinery/index.ts";
import type { SpecialContext, SpecialHandler } from "../../contract.ts";
import type { Authorizer } from "../../auth-contract.ts";
import { checkNodeToken } from "../node/node-tokens.ts";
import type { BoundObject, ServiceAccountTokens } from "../authn/service-account-tokens.ts";

interface TokenRequest {
  apiVersion?: string;
  kind?: string;
  metadata?: { name?: string; namespace?: string; uid?: string };
  spec?: {
    audiences?: string[];
    expirationSeconds?: number;
    boundObjectRef?: { kind?: string; apiVersion?: string; name?: string; uid?: string };
  };
}

const group = "authentication.k8s.io";
const usualSeconds = 3600;
const minSeconds = 600;
const maxSeconds = 2 ** 32;
/** What the ServiceAccount admission plugin asks for; such a token lives a year and only warns (KEP-1205). */
const warnOnlySeconds = 3607;
const yearSeconds = 365 * 24 * 3600;

function invalid(name: string, field: string, message: string): StatusError {
  return new StatusError("Invalid", `TokenRequest.${group} "${name}" is invalid: ${field}: ${message}`, {
    details: {
      ...(name ? { name } : {}),
      group,
      kind: "TokenRequest",
      causes: [{ reason: "FieldValueInvalid", message, field }],
    },
  });
}

function secondsOf(request: TokenRequest): number {
  const seconds = request.spec?.expirationSeconds ?? usualSeconds;
  const wrong =
    seconds < minSeconds
      ? "may not specify a duration less than 10 minutes"
      : seconds > maxSeconds
        ? "may not specify a duration larger than 2^32 seconds"
        : undefined;
  if (wrong === undefined) return seconds;
  throw invalid("", "spec.expirationSeconds", `Invalid value: ${seconds}: ${wrong}`);
}

type Bound = { pod?: BoundObject; secret?: BoundObject; node?: BoundObject };

/** Looks the object up that the token is to be bound to. */
function bind(context: SpecialContext, request: TokenRequest): Bound {
  const ref = request.spec?.boundObjectRef;
  if (!ref) return {};
  const { objects, info } = context;
  const name = ref.name ?? "";
  // The kind belongs to a group, whatever its version.
  const [version = "", ownGroup = ""] = (ref.apiVersion ?? "").split("/").reverse();
  const kind = ref.kind ?? "";
  const bindable = ownGroup === "" && ["Pod", "Secret", "Node"].includes(kind);
  if (!bindable) {
    throw new StatusError(
      "BadRequest",
      `cannot bind token to object of type ${ownGroup}/${version}, Kind=${kind}`,
    );
  }
  if (name === "") throw new StatusError("BadRequest", "Name parameter required.");
  const found = <T extends Pod | Secret | Node>(
    resource: string,
    namespace: string | undefined,
  ): [T, BoundObject] => {
    const object = objects.get<T>("", resource, namespace, name);
    if (!object)
      throw new StatusError("NotFound", `${resource} "${name}" not found`, {
        details: { name, kind: resource },
      });
    const uid = object.metadata?.uid ?? "";
    if (ref.uid && ref.uid !== uid)
      throw new StatusError(
        "Conflict",
        `Operation cannot be fulfilled on ${kind} "${name}": the UID in the bound object reference (${ref.uid}) does not match the UID in record. The object might have been deleted and then recreated`,
        { details: { name, kind } },
      );
    return [object, { name, uid }];
  };
  switch (kind) {
    case "Pod": {
      const [pod, bound] = found<Pod>("pods", info.namespace);
      if (pod.spec?.serviceAccountName !== info.name)
        throw new StatusError(
          "BadRequest",
          `cannot bind token for serviceaccount "${info.name}" to pod running with different serviceaccount name.`,
        );
      const nodeName = pod.spec.nodeName;
      const node = nodeName ? objects.get<Node>("", "nodes", undefined, nodeName) : undefined;
      return {
        pod: bound,
        ...(nodeName ? { node: { name: nodeName, uid: node?.metadata?.uid ?? "" } } : {}),
      };
    }
    case "Secret":
      return { secret: found<Secret>("secrets", info.namespace)[1] };
    default:
      return { node: found<Node>("nodes", undefined)[1] };
  }
}

/** `serviceaccounts/token`: a token for a ServiceAccount (TokenRequest API). */
export function tokenRequestHandler(
  tokens: ServiceAccountTokens,
  authorizer: Authorizer,
  now: () => number,
): SpecialHandler {
  return {
    group,
    version: "v1",
    kind: "TokenRequest",
    schema: "io.k8s.api.authentication.v1.TokenRequest",
    namespaced: true,
    verbs: ["create"],
    defaults(object) {
      const request = object as TokenRequest;
      request.spec ??= { audiences: [] };
      request.spec.expirationSeconds ??= usualSeconds;
    },
    async handle(context) {
      const { info, objects } = context;
      const request = context.object() as TokenRequest;
      const given = request.metadata ?? {};
      if (given.name && given.name !== info.name) {
        const why = `Invalid value: ${JSON.stringify(given.name)}: must match the service account name if specified`;
        throw invalid(info.name, "metadata.name", why);
      }
      const account = objects.get<ServiceAccount>("", "serviceaccounts", info.namespace, info.name);
      if (!account)
        throw new StatusError("NotFound", `serviceaccounts "${info.name}" not found`, {
          details: { name: info.name, kind: "serviceaccounts" },
        });
      const uid = account.metadata?.uid ?? "";
      if (given.uid && given.uid !== uid) {
        throw new StatusError(
          "Conflict",
          `Operation cannot be fulfilled on TokenRequest.${group} "${info.name}": the UID in the token request (${given.uid}) does not match the UID of the service account (${uid})`,
          { details: { name: info.name, group, kind: "TokenRequest" } },
        );
      }
      const seconds = secondsOf(request);
      const asked = request.spec?.audiences ?? [];
      const audiences = asked.length === 0 ? [tokens.issuer] : asked;
      await checkNodeToken(
        {
          user: context.user,
          namespace: info.namespace,
          account: info.name,
          audiences: asked,
          bound: request.spec?.boundObjectRef,
        },
        objects,
        authorizer,
      );
      const bound = bind(context, request);
      const extend =
        seconds === warnOnlySeconds &&
        bound.pod !== undefined &&
        audiences.length === 1 &&
        audiences[0] === tokens.issuer;
      const token = tokens.issue({
        namespace: info.namespace,
        account: { name: info.name, uid },
        audiences,
        seconds: extend ? yearSeconds : seconds,
        ...(extend ? { warnAfterSeconds: seconds } : {}),
        bound,
      });
      return {
        apiVersion: `${group}/v1`,
        kind: "TokenRequest",
        metadata: {
          ...given,
          name: info.name,
          namespace: info.namespace,
          uid,
          creationTimestamp: timeOf(now()),
        },
        spec: {
          audiences,
          expirationSeconds: seconds,
          boundObjectRef: request.spec?.boundObjectRef ?? null,
        },
        status: { token, expirationTimestamp: timeOf(now() + seconds * 1000) },
      } as never;
    },
  };
}

const timeOf = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;
