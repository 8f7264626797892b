export { defaultService, nameAddresses, prepareNewService, prepareServiceUpdate } from "./defaults.ts";
export { isUnchanged, settleFamilies } from "./families.ts";
export { serviceProblems } from "./rules.ts";
export * from "./types.ts";
export { serviceStatusWarnings, validateServiceStatus, validateServiceUpdate } from "./update.ts";
export { serviceWarnings } from "./warnings.ts";
