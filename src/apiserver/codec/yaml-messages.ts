import type { YamlBody } from "../../machinery/index.ts";

export interface YamlRequest {
  id: number;
  text: string;
}

export interface YamlAnswer {
  id: number;
  body?: YamlBody;
  /** What is wrong with the text, as GoYamlError says it. */
  problem?: string;
}
