/** CEL expressions of AuthenticationConfiguration and AuthorizationConfiguration. */
import { unescapeName } from "../../api/index.ts";
import {
  type Cel,
  type CelEnvironment,
  type CelType,
  type FieldError,
  invalid,
  loadCel,
} from "../../machinery/index.ts";

/** The variable of an expression: the claims of a token, the user they map to, the spec of a SubjectAccessReview. */
export type ExpressionVariable = "claims" | "user" | "request";

export interface CompiledExpression {
  /** Evaluates the expression. Throws its errors. */
  (value: unknown): unknown;
  /** Whether it reads this field of its variable. */
  reads(field: string): boolean;
}

/** Throws with the mistake. `wanted`: the type of the result. */
export type CompileExpression = (
  expression: string,
  variable: ExpressionVariable,
  wanted: "bool" | "any",
) => CompiledExpression;

/** Mistakes of an expression in a configuration file. */
export function expressionProblems(
  compile: CompileExpression,
  expression: string,
  variable: ExpressionVariable,
  wanted: "bool" | "any",
  path: string,
): FieldError[] {
  try {
    compile(expression, variable, wanted);
    return [];
  } catch (error) {
    return [invalid(path, expression, (error as Error).message)];
  }
}

/** Loads the engine, when a configuration needs it. */
export async function expressionCompiler(): Promise<CompileExpression> {
  const cel = await loadCel();
  return (expression, variable, wanted) => {
    const program = cel.compileCel(expression, environments[variable](cel));
    const type = cel.celTypes.formalText(program.type);
    if (wanted === "bool" && type !== "bool")
      throw new Error(`must evaluate to bool${variable === "request" ? ` but got ${type}` : ""}`);
    const convert = conversions[variable];
    const run = (value: unknown): unknown => {
      try {
        return program.evaluate({ [variable]: convert(value) as never });
      } catch (cause) {
        if (!(cause instanceof cel.CelEvaluationError)) throw cause;
        throw new Error(`expression '${expression}' resulted in error: ${cause.message}`, { cause });
      }
    };
    return Object.assign(run, {
      reads: (field: string): boolean => cel.readsField(expression, variable, field),
    });
  };
}

const environments: Readonly<Record<ExpressionVariable, (cel: Cel) => CelEnvironment>> = {
  claims: ({ celTypes: t }) => ({ claims: t.mapOf(t.string, t.dyn) }),
  user: (cel) => ({ user: userType(cel) }),
  request: (cel) => ({ request: requestType(cel) }),
};

const textsByName = ({ celTypes: t }: Cel): CelType => t.mapOf(t.string, t.listOf(t.string));

function userType(cel: Cel): CelType {
  const t = cel.celTypes;
  const fields = { username: t.string, uid: t.string, groups: t.listOf(t.string), extra: textsByName(cel) };
  return t.objectOf("kubernetes.UserInfo", new Map(Object.entries(fields)));
}

function requestType(cel: Cel): CelType {
  const t = cel.celTypes;
  const of = (name: string, fields: Record<string, CelType>): CelType =>
    t.objectOf(`kubernetes.${name}`, new Map(Object.entries(fields)));
  const requirement = of("SelectorRequirement", {
    key: t.string,
    operator: t.string,
    values: t.listOf(t.string),
  });
  const selector = { rawSelector: t.string, requirements: t.listOf(requirement) };
  return of("SubjectAccessReviewSpec", {
    resourceAttributes: of("ResourceAttributes", {
      ...Object.fromEntries(resourceFields.map((name) => [name, t.string])),
      fieldSelector: of("FieldSelectorAttributes", selector),
      labelSelector: of("LabelSelectorAttributes", selector),
    }),
    nonResourceAttributes: of("NonResourceAttributes", { path: t.string, verb: t.string }),
    user: t.string,
    groups: t.listOf(t.string),
    extra: textsByName(cel),
    uid: t.string,
  });
}

const resourceFields = ["namespace", "verb", "group", "version", "resource", "subresource", "name"] as const;

/** Empty strings are present; empty selectors are not. */
function wholeSpec(spec: unknown): unknown {
  const { resourceAttributes, nonResourceAttributes, ...who } = spec as Record<string, object | undefined>;
  return {
    user: "",
    groups: [],
    uid: "",
    extra: {},
    ...who,
    ...(resourceAttributes
      ? {
          resourceAttributes: {
            ...Object.fromEntries(resourceFields.map((name) => [name, ""])),
            ...resourceAttributes,
          },
        }
      : {}),
    ...(nonResourceAttributes
      ? { nonResourceAttributes: { path: "", verb: "", ...nonResourceAttributes } }
      : {}),
  };
}

const conversions: Readonly<Record<ExpressionVariable, (value: unknown) => unknown>> = {
  claims: mapped,
  user: mapped,
  request: (spec) => mapped(wholeSpec(spec)),
};

/** JSON numbers stay floating-point, as in Go. */
function mapped(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(mapped);
  if (typeof value !== "object" || value === null) return value;
  return new EscapedMap(Object.entries(value).map(([name, each]) => [name, mapped(each)]));
}

/** Gives access to fields whose names are not identifiers: `claims.foo__dot__bar`. */
class EscapedMap extends Map<string, unknown> {
  override get(name: string): unknown {
    return super.get(meant(name));
  }

  override has(name: string): boolean {
    return super.has(meant(name));
  }
}

const meant = (name: string): string =>
  typeof name === "string" && name.includes("__") ? (unescapeName(name) ?? name) : name;
