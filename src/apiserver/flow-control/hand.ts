/** Shuffle sharding (KEP-1040): assigns each flow a few of a level's queues; it joins the shortest. */
import { hash } from "node:crypto";

/** Usable entropy of a hash, in bits. */
const maxHashBits = 60;

/** Whether a hash has enough entropy for hands of this size. The API rejects levels for which it has not. */
export const canDeal = (deck: number, size: number): boolean =>
  size >= 1 && size <= deck && deck <= 2 ** 26 && Math.ceil(Math.log2(deck) * size) <= maxHashBits;

/** `size` different numbers below `deck`, determined by the hash. */
export function dealHand(flowHash: bigint, deck: number, size: number): number[] {
  let rest = flowHash;
  const draws: number[] = [];
  for (let left = deck; left > deck - size; left--) {
    draws.push(Number(rest % BigInt(left)));
    rest /= BigInt(left);
  }
  // Each draw is an index into the cards left; cards drawn before shift it.
  return draws.map((draw, i) => {
    let card = draw;
    for (let j = i - 1; j >= 0; j--) if (card >= (draws[j] as number)) card++;
    return card;
  });
}

/** 64-bit hash of a flow: the FlowSchema's name and the flow distinguisher. */
export const flowHash = (schema: string, distinguisher: string): bigint =>
  hash("sha256", `${schema}\0${distinguisher}`, "buffer").readBigUInt64LE();
