export { makeBaseLayer } from "./base-layer.ts";
export * from "./capabilities.ts";
export * from "./cgroup-files.ts";
export {
  type CgroupPlan,
  type CgroupWrite,
  cgroupDirectories,
  planCgroup,
  sharesToWeight,
} from "./cgroups.ts";
export * from "./defaults.ts";
export { type Exit, MonitorConnection, type Running } from "./monitor-connection.ts";
export { type Plan, type PlanContext, planContainer, planExec, planPause } from "./plan.ts";
export { type CompletionOptions, runToCompletion } from "./run-to-completion.ts";
export * from "./runtime-error.ts";
export { compileSeccomp } from "./seccomp/compile.ts";
export { defaultSeccomp } from "./seccomp/default-profile.ts";
export * from "./spec.ts";
