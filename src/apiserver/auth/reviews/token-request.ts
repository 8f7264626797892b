import type { Node, Pod, Secret, ServiceAccount } from "../../../api/index.ts";
import { formatTime, StatusError } from "../../../machinery/index.ts";
import type { SpecialContext, SpecialHandler } from "../../contract.ts";
import { badRequest, conflict, notFound } from "../../errors.ts";
import { checkNameSegment } from "../../name-segment.ts";
import type { Authorizer } from "../../auth-contract.ts";
import { checkNodeToken } from "../node/node-tokens.ts";
import type { BoundObject, ServiceAccountTokens } from "../authn/service-account-tokens.ts";

interface TokenRequest {
  apiVersion?: string;
  kind?: string;
  metadata?: { name?: string; namespace?: string; uid?: string; creationTimestamp?: string };
  spec?: {
    audiences?: string[];
    expirationSeconds?: number;
    boundObjectRef?: { kind?: string; apiVersion?: string; name?: string; uid?: string };
  };
  status?: { token: string; expirationTimestamp: string | null };
}

const group = "authentication.k8s.io";
const usualSeconds = 3600;
const minSeconds = 600;
const maxSeconds = 2 ** 32;
/**
 * The lifetime that the ServiceAccount admission plugin requests; such a token lives a year, and its use after this time is only
 * warned of (KEP-1205).
 */
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

function checkSeconds({ spec }: TokenRequest): void {
  const seconds = spec?.expirationSeconds ?? usualSeconds;
  const wrong =
    seconds < minSeconds
      ? "may not specify a duration less than 10 minutes"
      : seconds > maxSeconds
        ? "may not specify a duration larger than 2^32 seconds"
        : undefined;
  if (wrong !== undefined) throw invalid("", "spec.expirationSeconds", `Invalid value: ${seconds}: ${wrong}`);
}

/** Fills in the account's name and namespace. Throws when the request contradicts them, or the account does not exist. */
function complete(
  request: TokenRequest,
  { info, objects }: Omit<SpecialContext, "object" | "warn">,
  own: readonly string[],
  created: string,
): void {
  const given = request.metadata ?? {};
  if (given.name && given.name !== info.name) {
    const why = `Invalid value: ${JSON.stringify(given.name)}: must match the service account name if specified`;
    throw invalid(info.name, "metadata.name", why);
  }
  const account = objects.get<ServiceAccount>("", "serviceaccounts", info.namespace, info.name);
  if (!account) throw notFound({ group: "", kind: "ServiceAccount", plural: "serviceaccounts" }, info.name);
  const uid = account.metadata?.uid ?? "";
  if (given.uid && given.uid !== uid) {
    throw conflict(
      { group, kind: "TokenRequest", plural: "TokenRequest" },
      info.name,
      `the UID in the token request (${given.uid}) does not match the UID of the service account (${uid})`,
    );
  }
  request.metadata = {
    ...given,
    name: info.name,
    namespace: info.namespace,
    uid,
    creationTimestamp: created,
  };
  const { audiences = [] } = request.spec ?? {};
  request.spec = { ...request.spec, audiences: audiences.length === 0 ? [...own] : audiences };
  request.status = { token: "", expirationTimestamp: null };
}

type Bound = { pod?: BoundObject; secret?: BoundObject; node?: BoundObject };

const plurals: Readonly<Record<string, string>> = { Pod: "pods", Secret: "secrets", Node: "nodes" };

/** Finds the object to bind the token to. */
function bind({ objects, info }: SpecialContext, { spec }: TokenRequest): Bound {
  const ref = spec?.boundObjectRef;
  if (!ref) return {};
  const { kind = "", name = "", apiVersion = "", uid: wanted = "" } = ref;
  // The kind is matched by group, whatever the version; a value with more than one slash has neither.
  const parts = apiVersion.split("/");
  const [version = "", ownGroup = ""] = parts.length > 2 ? [] : parts.reverse();
  const plural = ownGroup === "" ? plurals[kind] : undefined;
  if (plural === undefined)
    throw badRequest(`cannot bind token to object of type ${ownGroup}/${version}, Kind=${kind}`);
  if (name === "") throw badRequest("Name parameter required.");
  checkNameSegment(name);
  const namespace = kind === "Node" ? undefined : info.namespace;
  const object = objects.get<Pod | Secret | Node>("", plural, namespace, name);
  if (!object) throw notFound({ group: "", kind, plural }, name);
  const uid = object.metadata?.uid ?? "";
  const bound = { name, uid };
  if (kind === "Pod" && (object as Pod).spec?.serviceAccountName !== info.name)
    throw badRequest(
      `cannot bind token for serviceaccount "${info.name}" to pod running with different serviceaccount name.`,
    );
  if (wanted !== "" && wanted !== uid)
    throw conflict(
      { group: "", kind, plural: kind },
      name,
      `the UID in the bound object reference (${wanted}) does not match the UID in record. The object might have been deleted and then recreated`,
    );
  if (kind === "Secret") return { secret: bound };
  if (kind === "Node") return { node: bound };
  const nodeName = (object as Pod).spec?.nodeName;
  if (!nodeName) return { pod: bound };
  const node = objects.get<Node>("", "nodes", undefined, nodeName);
  return { pod: bound, node: { name: nodeName, uid: node?.metadata?.uid ?? "" } };
}

/** Lifetime of tokens. */
export interface TokenLife {
  /** Limit; longer requests get this and a warning. */
  maxSeconds?: number | undefined;
  /** Whether pods' tokens are valid for a year, with a warning after the requested time; default true. */
  extend?: boolean | undefined;
}

/** `serviceaccounts/token`: issues a token for a ServiceAccount (TokenRequest API). */
export function tokenRequestHandler(
  tokens: ServiceAccountTokens,
  authorizer: Authorizer,
  now: () => number,
  { maxSeconds: longest, extend: mayExtend = true }: TokenLife = {},
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
      request.spec ??= {};
      request.spec.expirationSeconds ??= usualSeconds;
    },
    async check(object, context) {
      const request = object as TokenRequest;
      const { spec = {} } = request;
      const { info, user, objects } = context;
      await checkNodeToken(
        {
          user,
          namespace: info.namespace,
          account: info.name,
          audiences: spec.audiences ?? [],
          bound: spec.boundObjectRef,
        },
        objects,
        authorizer,
      );
      complete(request, context, tokens.audiences, formatTime(now()));
      checkSeconds(request);
    },
    handle(context) {
      const { info } = context;
      const request = context.object() as TokenRequest;
      const { metadata: { uid = "" } = {}, spec: { audiences = [] } = {} } = request;
      const bound = bind(context, request);
      let { expirationSeconds = 0 } = request.spec ?? {};
      if (longest !== undefined && expirationSeconds > longest) {
        context.warn?.(
          `requested expiration of ${expirationSeconds} seconds shortened to ${longest} seconds`,
        );
        expirationSeconds = longest;
      }
      const extend =
        mayExtend &&
        expirationSeconds === warnOnlySeconds &&
        bound.pod !== undefined &&
        audiences.every((each) => tokens.audiences.includes(each));
      const { token, id } = tokens.issue({
        namespace: info.namespace,
        account: { name: info.name, uid },
        audiences,
        seconds: extend ? yearSeconds : expirationSeconds,
        ...(extend ? { warnAfterSeconds: expirationSeconds } : {}),
        bound,
      });
      context.request.audit?.annotate("authentication.kubernetes.io/issued-credential-id", `JTI=${id}`);
      const { spec, metadata } = request;
      return Promise.resolve({
        apiVersion: `${group}/v1`,
        kind: "TokenRequest",
        metadata,
        spec: { ...spec, expirationSeconds, boundObjectRef: spec?.boundObjectRef ?? null },
        status: { token, expirationTimestamp: formatTime(now() + expirationSeconds * 1000) },
      } as never);
    },
  };
}
