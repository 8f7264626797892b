/** admissionregistration.k8s.io: webhooks and admission policies. */
import { validateValidatingBinding, validateValidatingPolicy } from "./admission-rules.ts";
import { compileJsonPath, invalid, required } from "../machinery/index.ts";
import { validateMutatingBinding, validateMutatingPolicy } from "./mutating-policy-rules.ts";
import { celReady } from "./cel-engine.ts";
import { ageColumn, column, nameColumn } from "./columns.ts";
import { validateConditions } from "./condition-rules.ts";
import type { FieldError, KindDefinition, TableColumn } from "./definition.ts";
import { kindsOf } from "./define.ts";
import type {
  LabelSelector,
  MatchResources,
  MutatingAdmissionPolicy,
  MutatingAdmissionPolicyBinding,
  MutatingWebhook,
  MutatingWebhookConfiguration,
  ParamKind,
  ParamRef,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  ValidatingWebhook,
  ValidatingWebhookConfiguration,
} from "./generated/types.ts";
import type { KubeObject } from "./meta.ts";
import { emptyListsChange } from "./strategies.ts";
import { validateWebhooks } from "./webhook-rules.ts";

const define = kindsOf("admissionregistration.k8s.io", "v1", "io.k8s.api.admissionregistration.v1");
const categories = ["api-extensions"];

const staticSuffix = ".static.k8s.io";

/** Strategy of the group: the same rules at creation and update, and those of metadata. */
const held = {
  metaRules: { finalizers: "any" },
  onUpdate: ["metadata", "object"],
  warnings: ({ metadata }: KubeObject): string[] =>
    metadata?.name?.endsWith(staticSuffix)
      ? [
          `metadata.name: names ending with "${staticSuffix}" are reserved for static manifest-based configurations and cannot be managed via the API`,
        ]
      : [],
} as const;

type Hooks = ValidatingWebhookConfiguration | MutatingWebhookConfiguration;

function defaultWebhook(hook: ValidatingWebhook | MutatingWebhook): void {
  hook.failurePolicy ??= "Fail";
  hook.matchPolicy ??= "Equivalent";
  hook.namespaceSelector ??= {};
  hook.objectSelector ??= {};
  hook.timeoutSeconds ??= 10;
  for (const rule of hook.rules ?? []) rule.scope ??= "*";
  const service = hook.clientConfig?.service;
  if (service) service.port ??= 443;
}

function defaultHooks(configuration: Hooks): void {
  for (const hook of configuration.webhooks ?? []) defaultWebhook(hook);
}

const hookColumns: readonly TableColumn[] = [
  nameColumn,
  column<Hooks>("Webhooks", "integer", (each) => each.webhooks?.length ?? 0),
  ageColumn,
];

const paramKind = (kind: ParamKind | undefined): string =>
  kind ? `${kind.apiVersion}/${kind.kind}` : "<unset>";

function paramRef(ref: ParamRef | undefined): string {
  if (!ref) return "<unset>";
  // The parameter's scope is unknown here.
  if (ref.name) return `${ref.namespace || "*"}/${ref.name}`;
  return ref.selector ? goSelector(ref.selector) : "<unset>";
}

/** A selector formatted like the Go struct. */
function goSelector({ matchLabels = {}, matchExpressions = [] }: LabelSelector): string {
  const keys = Object.keys(matchLabels).sort();
  const labels = keys.map((key) => `${key}: ${matchLabels[key]},`).join("");
  const requirements = matchExpressions.map(
    ({ key, operator, values = [] }) =>
      `LabelSelectorRequirement{Key:${key},Operator:${operator},Values:[${values.join(" ")}],},`,
  );
  return `&LabelSelector{MatchLabels:map[string]string{${labels}},MatchExpressions:[]LabelSelectorRequirement{${requirements.join("")}},}`;
}

type Policy = ValidatingAdmissionPolicy | MutatingAdmissionPolicy;
type Binding = ValidatingAdmissionPolicyBinding | MutatingAdmissionPolicyBinding;

function defaultPolicy(policy: Policy): void {
  const spec = policy.spec;
  if (!spec) return;
  spec.failurePolicy ??= "Fail";
  defaultMatch(spec.matchConstraints);
}

function defaultMatch(match: MatchResources | undefined): void {
  if (!match) return;
  match.matchPolicy ??= "Equivalent";
  match.namespaceSelector ??= {};
  match.objectSelector ??= {};
  for (const rule of [...(match.resourceRules ?? []), ...(match.excludeResourceRules ?? [])])
    rule.scope ??= "*";
}

const defaultBinding = ({ spec }: Binding): void => defaultMatch(spec?.matchResources);

const bindingColumns: readonly TableColumn[] = [
  nameColumn,
  column<Binding>("PolicyName", "string", (each) => each.spec?.policyName ?? ""),
  column<Binding>("ParamRef", "string", (each) => paramRef(each.spec?.paramRef)),
  ageColumn,
];

/** Results of the policy controller's type checks. */
function validatePolicyStatus({ status }: ValidatingAdmissionPolicy): FieldError[] {
  const errors: FieldError[] = [];
  for (const [i, { warning, fieldRef = "" }] of (status?.typeChecking?.expressionWarnings ?? []).entries()) {
    const path = `status.typeChecking.expressionWarnings[${i}]`;
    if (!warning) errors.push(required(`${path}.warning`));
    const ref = fieldRef.trim();
    if (ref === "") errors.push(required(`${path}.fieldRef`));
    else {
      try {
        compileJsonPath(`{${ref}}`);
      } catch (error) {
        errors.push(invalid(`${path}.fieldRef`, ref, `invalid JSONPath: ${(error as Error).message}`));
      }
    }
  }
  validateConditions(status?.conditions, "status.conditions", errors);
  return errors;
}

const plainKinds: readonly KindDefinition[] = [
  define<ValidatingWebhookConfiguration>({
    kind: "ValidatingWebhookConfiguration",
    plural: "validatingwebhookconfigurations",
    categories,
    namespaced: false,
    generation: true,
    ...emptyListsChange,
    ...held,
    defaults: defaultHooks,
    validate: validateWebhooks,
    columns: hookColumns,
  }),
  define<MutatingWebhookConfiguration>({
    kind: "MutatingWebhookConfiguration",
    plural: "mutatingwebhookconfigurations",
    categories,
    namespaced: false,
    generation: true,
    ...emptyListsChange,
    ...held,
    defaults(configuration) {
      defaultHooks(configuration);
      for (const hook of configuration.webhooks ?? []) hook.reinvocationPolicy ??= "Never";
    },
    validate: validateWebhooks,
    columns: hookColumns,
  }),
  define<ValidatingAdmissionPolicy>({
    kind: "ValidatingAdmissionPolicy",
    plural: "validatingadmissionpolicies",
    categories,
    namespaced: false,
    generation: true,
    ...held,
    status: { warnings: held.warnings },
    statusKeepsMetadata: true,
    onStatus: ["change"],
    defaults: defaultPolicy,
    validate: validateValidatingPolicy,
    validateStatus: validatePolicyStatus,
    columns: [
      nameColumn,
      column<ValidatingAdmissionPolicy>(
        "Validations",
        "integer",
        (each) => each.spec?.validations?.length ?? 0,
      ),
      column<ValidatingAdmissionPolicy>("ParamKind", "string", (each) => paramKind(each.spec?.paramKind)),
      ageColumn,
    ],
  }),
  define<ValidatingAdmissionPolicyBinding>({
    kind: "ValidatingAdmissionPolicyBinding",
    plural: "validatingadmissionpolicybindings",
    defaults: defaultBinding,
    validate: validateValidatingBinding,
    categories,
    namespaced: false,
    generation: true,
    ...held,
    columns: bindingColumns,
  }),
  define<MutatingAdmissionPolicy>({
    kind: "MutatingAdmissionPolicy",
    plural: "mutatingadmissionpolicies",
    validate: validateMutatingPolicy,
    categories,
    namespaced: false,
    generation: true,
    ...held,
    defaults: defaultPolicy,
    columns: [
      nameColumn,
      column<MutatingAdmissionPolicy>("Mutations", "integer", (each) => each.spec?.mutations?.length ?? 0),
      column<MutatingAdmissionPolicy>("ParamKind", "string", (each) => paramKind(each.spec?.paramKind)),
      ageColumn,
    ],
  }),
  define<MutatingAdmissionPolicyBinding>({
    kind: "MutatingAdmissionPolicyBinding",
    plural: "mutatingadmissionpolicybindings",
    defaults: defaultBinding,
    validate: validateMutatingBinding,
    categories,
    namespaced: false,
    generation: true,
    ...held,
    columns: bindingColumns,
  }),
];

/** Loads CEL for objects with expressions. */
export const admissionKinds: readonly KindDefinition[] = plainKinds.map((kind) => ({
  ...kind,
  ready: (object) => (saysExpressions(object) ? celReady() : undefined),
}));

function saysExpressions(object: KubeObject): boolean {
  const { spec, webhooks = [] } = object as {
    spec?: ValidatingAdmissionPolicy["spec"] & MutatingAdmissionPolicy["spec"];
    webhooks?: { matchConditions?: readonly unknown[] }[];
  };
  return (
    webhooks.some(({ matchConditions = [] }) => matchConditions.length > 0) ||
    [spec?.matchConditions, spec?.validations, spec?.auditAnnotations, spec?.mutations].some(
      (each) => (each?.length ?? 0) > 0,
    )
  );
}
