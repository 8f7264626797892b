/**
 * The JSON of parts of objects that nobody changes any more: a part is judged by it, written out with it, and shared by the objects
 * that follow.
 */
import { stringifyExact } from "./exact-json.ts";
import { stamp } from "./stamp.ts";

const texts = stamp<object, string>();

/** Remembered for as long as there is the part. Who changes it all the same has to say so. */
export function textOfPart(part: object): string {
  let text = texts.get(part);
  if (text === undefined) texts.set(part, (text = stringifyExact(part)));
  return text;
}

/** The part has changed. */
export function forgetText(part: object): void {
  texts.clear(part);
}
