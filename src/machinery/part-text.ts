/** The JSON of immutable parts of objects: it serves to compare a part, to write it, and for later objects that share it. */
import { stringifyExact } from "./exact-json.ts";
import { stamp } from "./stamp.ts";

const texts = stamp<object, string>();

/** Cached with the part. Code that changes the part must call `forgetText`. */
export function textOfPart(part: object): string {
  let text = texts.get(part);
  if (text === undefined) texts.set(part, (text = stringifyExact(part)));
  return text;
}

/** The part has changed. */
export function forgetText(part: object): void {
  texts.clear(part);
}
