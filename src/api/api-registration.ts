/** apiregistration.k8s.io: APIService. */
import {
  invalid,
  isDns1035Label,
  isDns1123Subdomain,
  isPathSegmentName,
  notSupported,
  required,
} from "../machinery/index.ts";
import { ageColumn, column, nameColumn } from "./columns.ts";
import { kindsOf } from "./define.ts";
import type { FieldError, KindDefinition } from "./definition.ts";
import type { APIService } from "./generated/types.ts";

const define = kindsOf("apiregistration.k8s.io", "v1", "io.k8s.kube-aggregator.pkg.apis.apiregistration.v1");

const defaultPort = 443;
const highestGroupPriority = 20_000;
const highestVersionPriority = 1000;
const conditionStatuses = ["True", "False", "Unknown"];

/** Decoded size of base64, in bytes. */
const decodedLength = (text: string): number => Math.floor((text.replaceAll("=", "").length * 3) / 4);

/** An APIService's name is its version and group: `v1.apps`. */
function nameProblems(name: string, { spec }: APIService): readonly string[] {
  const problems = isPathSegmentName(name);
  const wanted = `${spec?.version ?? ""}.${spec?.group ?? ""}`;
  if (problems.length > 0 || name === wanted) return problems;
  return [`must be \`spec.version+"."+spec.group\`: ${JSON.stringify(wanted)}`];
}

function validate(service: APIService): FieldError[] {
  const errors: FieldError[] = [];
  const { group = "", version = "", groupPriorityMinimum = 0, versionPriority = 0 } = service.spec ?? {};
  if (group === "" && version !== "v1")
    errors.push(required("spec.group", "only v1 may have an empty group and it better be legacy kube"));
  if (group !== "")
    for (const text of isDns1123Subdomain(group)) errors.push(invalid("spec.group", group, text));
  for (const text of isDns1035Label(version)) errors.push(invalid("spec.version", version, text));
  if (groupPriorityMinimum <= 0 || groupPriorityMinimum > highestGroupPriority) {
    errors.push(
      invalid("spec.groupPriorityMinimum", groupPriorityMinimum, "must be positive and less than 20000"),
    );
  }
  if (versionPriority <= 0 || versionPriority > highestVersionPriority)
    errors.push(invalid("spec.versionPriority", versionPriority, "must be positive and less than 1000"));
  errors.push(...validateServer(service));
  return errors;
}

function validateServer({ spec }: APIService): FieldError[] {
  const errors: FieldError[] = [];
  const bundle = decodedLength(spec?.caBundle ?? "");
  const skips = spec?.insecureSkipTLSVerify ?? false;
  const service = spec?.service;
  if (!service) {
    if (bundle > 0) {
      errors.push(invalid("spec.caBundle", `${bundle} bytes`, "local APIServices may not have a caBundle"));
    }
    if (skips) {
      const text = "local APIServices may not have insecureSkipTLSVerify";
      errors.push(invalid("spec.insecureSkipTLSVerify", true, text));
    }
    return errors;
  }
  if (!service.namespace) errors.push(required("spec.service.namespace"));
  if (!service.name) errors.push(required("spec.service.name"));
  const port = service.port ?? defaultPort;
  if (port < 1 || port > 65_535) {
    const text = "port is not valid: must be between 1 and 65535, inclusive";
    errors.push(invalid("spec.service.port", port, text));
  }
  if (skips && bundle > 0)
    errors.push(invalid("spec.insecureSkipTLSVerify", true, "may not be true if caBundle is present"));
  return errors;
}

/** The Available column: the status, with the reason unless it is True. */
function available({ status }: APIService): string {
  const condition = status?.conditions?.find(({ type }) => type === "Available");
  if (!condition) return "Unknown";
  return condition.status === "True" || !condition.reason
    ? condition.status
    : `${condition.status} (${condition.reason})`;
}

export const apiRegistrationKinds: readonly KindDefinition[] = [
  define<APIService>({
    kind: "APIService",
    plural: "apiservices",
    categories: ["api-extensions"],
    namespaced: false,
    name: nameProblems,
    metaRules: { finalizers: "any" },
    onUpdate: ["metadataChange", "metadata", "object"],
    status: true,
    statusKeepsMetadata: true,
    defaults({ spec }) {
      if (spec?.service) spec.service.port ??= defaultPort;
    },
    prepareForCreate(service) {
      if (service.spec?.service) return;
      service.status = {
        conditions: [
          {
            type: "Available",
            status: "True",
            lastTransitionTime: service.metadata?.creationTimestamp ?? "",
            reason: "Local",
            message: "Local APIServices are always available",
          },
        ],
      };
    },
    validate,
    validateStatus: ({ status }) =>
      (status?.conditions ?? []).flatMap((condition, i) =>
        conditionStatuses.includes(condition.status)
          ? []
          : [notSupported(`status.conditions[${i}].status`, condition.status, conditionStatuses)],
      ),
    columns: [
      nameColumn,
      column<APIService>(
        "Service",
        "string",
        ({ spec }) => (spec?.service ? `${spec.service.namespace}/${spec.service.name}` : "Local"),
        "The reference to the service that hosts this API endpoint.",
      ),
      column<APIService>("Available", "string", available, "Whether this service is available."),
      ageColumn,
    ],
  }),
];
