export { type SchedulerConfig, startScheduler } from "./scheduler.ts";
