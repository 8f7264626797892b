import type { FlowSchema } from "../../api/index.ts";
import type { Flow } from "./flow.ts";
import type { LevelState } from "./levels.ts";

/** A FlowSchema in use. */
export interface Schema {
  readonly object: FlowSchema;
  readonly name: string;
  readonly uid: string;
  readonly level: LevelState;
  /** By flow distinguisher. */
  readonly flows: Map<string, Flow>;
}
