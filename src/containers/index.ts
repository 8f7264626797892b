export * from "./images/index.ts";
export {
  type ContainerRuntime,
  type ContainerRuntimeOptions,
  createContainerRuntime,
} from "./runtime-service.ts";
