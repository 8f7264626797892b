export { ofWholePod, podResources, type Usage } from "./pod-usage.ts";
export { attributesClasses, inScope, isTerminating, meetsScope, requirementsOf } from "./scopes.ts";
export { type ResourceName, resourceOf, usageOf } from "./usage.ts";
