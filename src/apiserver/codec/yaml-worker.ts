/** The thread that reads long YAML (`long-yaml.ts`). */
import { parentPort } from "node:worker_threads";
import { GoYamlError, readYamlBody } from "../../machinery/index.ts";
import type { YamlAnswer, YamlRequest } from "./yaml-messages.ts";

parentPort?.on("message", ({ id, text }: YamlRequest) => {
  let answer: YamlAnswer;
  try {
    answer = { id, body: readYamlBody(text) };
  } catch (error) {
    if (!(error instanceof GoYamlError)) throw error;
    answer = { id, problem: error.message };
  }
  parentPort?.postMessage(answer);
});
