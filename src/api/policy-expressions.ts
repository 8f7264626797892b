/** Expressions of admission policies and of webhooks' match conditions: what they may speak of, and their mistakes. */
import { type Cel, type CelEnvironment, type CelProgram, type CelType, invalid } from "../machinery/index.ts";
import { celEngine } from "./cel-engine.ts";
import type { FieldError } from "./definition.ts";
import type { Variable } from "./generated/types.ts";

/** `variables`: absent where there are none to speak of. */
export interface ExpressionScope {
  readonly params: boolean;
  readonly variables?: ReadonlyMap<string, CelType>;
  /** Absent: they may ask who may do what. */
  readonly authorizer?: false;
  /** They make changes of objects. */
  readonly patches?: boolean;
}

export type Wanted = "bool" | "string" | "any" | "string or null" | "Object" | "list(JSONPatch)";

/** The request as an expression sees it (admission.k8s.io/v1 AdmissionRequest, without its objects). */
function requestType(cel: Cel): CelType {
  const t = cel.celTypes;
  const of = (name: string, fields: Record<string, CelType>): CelType =>
    t.objectOf(`kubernetes.${name}`, new Map(Object.entries(fields)));
  const kind = of("GroupVersionKind", { group: t.string, version: t.string, kind: t.string });
  const resource = of("GroupVersionResource", { group: t.string, version: t.string, resource: t.string });
  const userInfo = of("UserInfo", {
    username: t.string,
    uid: t.string,
    groups: t.listOf(t.string),
    extra: t.mapOf(t.string, t.listOf(t.string)),
  });
  return of("AdmissionRequest", {
    kind,
    resource,
    subResource: t.string,
    requestKind: kind,
    requestResource: resource,
    requestSubResource: t.string,
    name: t.string,
    namespace: t.string,
    operation: t.string,
    userInfo,
    dryRun: t.bool,
    options: t.dyn,
  });
}

function namespaceType(cel: Cel): CelType {
  const t = cel.celTypes;
  const of = (name: string, fields: Record<string, CelType>): CelType =>
    t.objectOf(`kubernetes.Namespace${name}`, new Map(Object.entries(fields)));
  const texts = t.mapOf(t.string, t.string);
  return of("", {
    metadata: of("Metadata", {
      name: t.string,
      generateName: t.string,
      namespace: t.string,
      labels: texts,
      annotations: texts,
      UID: t.string,
      creationTimestamp: t.timestamp,
      deletionGracePeriodSeconds: t.int,
      deletionTimestamp: t.timestamp,
      generation: t.int,
      resourceVersion: t.string,
      finalizers: t.listOf(t.string),
    }),
    spec: of("Spec", { finalizers: t.listOf(t.string) }),
    status: of("Status", {
      conditions: t.listOf(
        of("Condition", {
          status: t.string,
          type: t.string,
          lastTransitionTime: t.timestamp,
          message: t.string,
          reason: t.string,
        }),
      ),
      phase: t.string,
    }),
  });
}

function environmentOf(cel: Cel, { params, variables, authorizer }: ExpressionScope): CelEnvironment {
  const t = cel.celTypes;
  return {
    object: t.dyn,
    oldObject: t.dyn,
    request: requestType(cel),
    namespaceObject: namespaceType(cel),
    ...(params ? { params: t.dyn } : {}),
    ...(authorizer === false
      ? {}
      : {
          authorizer: t.opaque("kubernetes.authorization.Authorizer"),
          "authorizer.requestResource": t.opaque("kubernetes.authorization.ResourceCheck"),
        }),
    ...(variables ? { variables: t.objectOf("kubernetes.variables", variables) } : {}),
  };
}

/** What is wrong with it is a text. */
export function compileExpression(
  cel: Cel,
  expression: string,
  scope: ExpressionScope,
  wanted: Wanted,
): CelProgram | string {
  const extensions = scope.patches ? cel.patchExtensions : {};
  const program = compiled(cel, expression, environmentOf(cel, scope), extensions);
  if (typeof program === "string") return program;
  const found = cel.celTypes.formalText(program.type);
  if (wanted === "any" || found === wanted) return program;
  if (wanted !== "string or null") return `must evaluate to ${wanted} but got ${found}`;
  return found === "string" || found === "null_type"
    ? program
    : `must evaluate to one of [string null_type] but got ${found}`;
}

const plain = new Set(["bool", "bytes", "double", "duration", "int", "null", "string", "timestamp", "uint"]);

/** What others know of a variable's type: messages and types of Kubernetes' own may be anything to them. */
function ofVariable(cel: Cel, type: CelType): CelType {
  const t = cel.celTypes;
  if (type.kind === "list") return t.listOf(ofVariable(cel, type.of));
  if (type.kind === "map") return t.mapOf(ofVariable(cel, type.key), ofVariable(cel, type.of));
  return type.kind === "simple" && plain.has(type.name) ? type : t.dyn;
}

/** Each may speak of those before it. What cannot be compiled is a text. */
export function compileVariables(
  cel: Cel,
  variables: readonly Variable[],
  params: boolean,
): { programs: Map<string, CelProgram>; types: Map<string, CelType>; problems: Map<number, string> } {
  const programs = new Map<string, CelProgram>();
  const types = new Map<string, CelType>();
  const problems = new Map<number, string>();
  for (const [i, { name, expression }] of variables.entries()) {
    // One without an expression is none.
    if (!expression?.trim()) continue;
    const made = compileExpression(cel, expression, { params, variables: types }, "any");
    if (typeof made === "string") problems.set(i, made);
    else programs.set(name, made);
    types.set(name, typeof made === "string" ? cel.celTypes.dyn : ofVariable(cel, made.type));
  }
  return { programs, types, problems };
}

/**
 * What is wrong with an expression when the types of the objects are known; undefined when nothing is. Mistakes in
 * variables do not count, nor does what the expression comes to.
 */
export function expressionMistake(
  cel: Cel,
  expression: string,
  variables: readonly Variable[],
  { object, params }: { readonly object: CelType; readonly params?: CelType },
): string | undefined {
  const t = cel.celTypes;
  const types = new Map<string, CelType>();
  const environment: CelEnvironment = {
    object,
    oldObject: object,
    request: requestType(cel),
    namespaceObject: namespaceType(cel),
    ...(params ? { params } : {}),
    authorizer: t.opaque("kubernetes.authorization.Authorizer"),
    variables: t.objectOf("kubernetes.variables", types),
  };
  for (const { name, expression: source } of variables) {
    const program = compiled(cel, source, environment);
    types.set(name, typeof program === "string" ? t.dyn : ofVariable(cel, program.type));
  }
  const program = compiled(cel, expression, environment);
  return typeof program === "string" ? program.replace(/^compilation failed: /, "") : undefined;
}

/** What is wrong with it is a text. */
function compiled(
  cel: Cel,
  expression: string,
  environment: CelEnvironment,
  extensions = {},
): CelProgram | string {
  try {
    return cel.compileCel(expression, environment, extensions);
  } catch (error) {
    if (error instanceof cel.CelCompileError) return error.message;
    throw error;
  }
}

/** Mistakes of one expression; none where the engine was not loaded for it. */
export function expressionProblems(
  expression: string,
  path: string,
  scope: ExpressionScope,
  wanted: Wanted,
): FieldError[] {
  const cel = celEngine();
  if (!cel) return [];
  const made = compileExpression(cel, expression, scope, wanted);
  return typeof made === "string" ? [mistakeOf(path, expression, made)] : [];
}

/** An expression that means something and cannot be made ready to run is the server's fault, as it were. */
export const mistakeOf = (path: string, expression: string, text: string): FieldError =>
  text.startsWith("program instantiation failed")
    ? { reason: "InternalError", field: path, message: `Internal error: ${text}` }
    : invalid(path, expression, text);
