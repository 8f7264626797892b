/** The object that a webhook's answer has to be, by its kind, its version and its types. Pure. */
import { conformToType, findKindByName, type TypeSchema } from "../../api/index.ts";
import { StatusError } from "../../machinery/index.ts";
import { checkShape, notRegistered } from "../codec/type-meta.ts";
import { WebhookCallError } from "./answers.ts";

export interface ReviewKind {
  apiVersion: string;
  kind: string;
  schema: TypeSchema;
  /** Whether the reader knows another kind, and says that it cannot be converted. */
  knows(apiVersion: string, kind: string): boolean;
}

/** What client-go's readers know. */
export function isBuiltIn(apiVersion: string, kind: string): boolean {
  if (apiVersion === "v1" && kind === "Status") return true;
  const [group = "", version] = apiVersion.includes("/") ? apiVersion.split("/") : ["", apiVersion];
  return findKindByName(group, version ?? "", kind.replace(/List$/, "")) !== undefined;
}

/** An answer as the kind that was asked for, which it is if it names none. Throws WebhookCallError, as Go's codec does. */
export function reviewOfKind<T extends object>(value: unknown, expected: ReviewKind): T {
  const given = (value ?? {}) as { apiVersion?: string | null; kind?: string | null };
  try {
    checkShape(given);
  } catch (cause) {
    if (!(cause instanceof StatusError)) throw cause;
    throw new WebhookCallError(`couldn't get version/kind; json parse error: ${cause.message}`, { cause });
  }
  const apiVersion = given.apiVersion || expected.apiVersion;
  const kind = given.kind || expected.kind;
  if (apiVersion !== expected.apiVersion || kind !== expected.kind) {
    if (!expected.knows(apiVersion, kind)) throw new WebhookCallError(notRegistered(kind, apiVersion));
    const [from, to] = [apiVersion, expected.apiVersion].map((each) => each.slice(each.indexOf("/") + 1));
    throw new WebhookCallError(
      `converting (${from}.${kind}) to (${to}.${expected.kind}): unknown conversion`,
    );
  }
  const { problem } = conformToType(expected.schema, given);
  if (problem !== undefined) throw new WebhookCallError(problem);
  return given as T;
}
