import assert from "node:assert/strict";
import { test } from "node:test";
import { settle } from "../../testing/index.ts";
import { Turnstile } from "./turnstile.ts";

test("so many at once, the others in their order, failures too", async () => {
  const turnstile = new Turnstile(2);
  const begun: number[] = [];
  const ends: ((error?: Error) => void)[] = [];
  const runs = [0, 1, 2, 3].map((i) =>
    turnstile
      .through(
        () =>
          new Promise<void>((resolve, reject) => {
            begun.push(i);
            ends[i] = (error) => (error ? reject(error) : resolve());
          }),
      )
      .catch((error: Error) => error.message),
  );
  await settle(1);
  assert.deepEqual(begun, [0, 1]);
  ends[1]?.(new Error("no"));
  await settle(1);
  assert.deepEqual(begun, [0, 1, 2]);
  for (const i of [0, 2]) ends[i]?.();
  await settle(1);
  ends[3]?.();
  assert.deepEqual(await Promise.all(runs), [undefined, "no", undefined, undefined]);
});
