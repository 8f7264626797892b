export { type ControllersConfig, startControllers } from "./start.ts";
