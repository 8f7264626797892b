/** Shuffle sharding (KEP-1040): each flow is dealt a few of a level's queues, and joins the shortest of those. */
import { hash } from "node:crypto";

/** A hash gives this many bits of chance; beyond them the last card would not be fair. */
const maxHashBits = 60;

/** Whether a hash has enough chance in it to deal hands of this size. The API refuses levels for which it has not. */
export const canDeal = (deck: number, size: number): boolean =>
  size >= 1 && size <= deck && deck <= 2 ** 26 && Math.ceil(Math.log2(deck) * size) <= maxHashBits;

/** `size` different numbers below `deck`, always the same ones for the same hash. */
export function dealHand(flowHash: bigint, deck: number, size: number): number[] {
  let rest = flowHash;
  const draws: number[] = [];
  for (let left = deck; left > deck - size; left--) {
    draws.push(Number(rest % BigInt(left)));
    rest /= BigInt(left);
  }
  // Each draw counts the cards that are still there; those drawn before shift it.
  return draws.map((draw, i) => {
    let card = draw;
    for (let j = i - 1; j >= 0; j--) if (card >= (draws[j] as number)) card++;
    return card;
  });
}

/** 64 bits that stand for a flow: a FlowSchema's name and what it tells flows apart by. */
export const flowHash = (schema: string, distinguisher: string): bigint =>
  hash("sha256", `${schema}\0${distinguisher}`, "buffer").readBigUInt64LE();
