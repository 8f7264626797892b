/** The `authorizer` of expressions: asks the server's authorizers, each question once per request. */
import {
  type AskAuthorizer,
  type AuthorizationAnswer,
  type AuthorizationQuestion,
  parseFieldSelector,
  parseLabelSelector,
} from "../../../machinery/index.ts";
import type { AuthorizationAttributes, Authorizer, Decision, UserInfo } from "../../auth-contract.ts";
import { Pending } from "../../pending.ts";
import type { AdmissionRequest } from "../chain.ts";
import { type Bindings, engine } from "./expressions.ts";

/** `authorizer` and `authorizer.requestResource`, for the expressions of one plugin about one request. */
export function authorizerBindings(authorizer: Authorizer, request: AdmissionRequest): Bindings {
  const { authorizerOf, resourceCheckOf } = engine();
  const { def } = request.resource;
  const ask = asking(authorizer, request.user);
  return {
    authorizer: authorizerOf(ask),
    "authorizer.requestResource": resourceCheckOf(ask, {
      group: def.group,
      resource: def.plural,
      subresource: request.subresource,
      namespace: request.namespace,
      name: request.name,
    }),
  };
}

function asking(authorizer: Authorizer, user: UserInfo): AskAuthorizer {
  const answers = new Map<string, AuthorizationAnswer>();
  return (question) => {
    const attributes = attributesOf(question, user);
    const key = JSON.stringify(attributes);
    const known = answers.get(key);
    if (known) return known;
    const keep = (answer: AuthorizationAnswer): AuthorizationAnswer => {
      answers.set(key, answer);
      return answer;
    };
    const failed = (error: unknown): AuthorizationAnswer =>
      keep({ allowed: false, reason: "", error: (error as Error).message });
    const said = ({ allowed, reason, error }: Decision): AuthorizationAnswer =>
      keep({ allowed, reason, ...(error === undefined ? {} : { error }) });
    let decision: Decision | Promise<Decision>;
    try {
      decision = authorizer.authorize(attributes);
    } catch (error) {
      return failed(error);
    }
    if (!(decision instanceof Promise)) return said(decision);
    throw new Pending(decision.then(said, failed).then(() => {}));
  };
}

function attributesOf(question: AuthorizationQuestion, sender: UserInfo): AuthorizationAttributes {
  const { serviceAccount: account, verb, path } = question;
  const user = account
    ? {
        name: `system:serviceaccount:${account.namespace}:${account.name}`,
        groups: ["system:serviceaccounts", `system:serviceaccounts:${account.namespace}`],
      }
    : sender;
  const field = readable(question.fieldSelector, parseFieldSelector);
  const label = readable(question.labelSelector, parseLabelSelector);
  return {
    user,
    verb,
    apiGroup: question.group ?? "",
    apiVersion: path === undefined ? "*" : "",
    resource: question.resource ?? "",
    subresource: question.subresource ?? "",
    namespace: question.namespace ?? "",
    name: question.name ?? "",
    path: path ?? "",
    isResource: path === undefined,
    ...(field ? { fieldSelector: field } : {}),
    ...(label ? { labelSelector: label } : {}),
  };
}

/** Ignores selectors that cannot be parsed, which leaves the check unrestricted. */
function readable(text: string | undefined, parse: (text: string) => unknown): string | undefined {
  if (!text) return undefined;
  try {
    parse(text);
    return text;
  } catch {
    return undefined;
  }
}
