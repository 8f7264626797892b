/**
 * Sets of field paths in the JSON of fieldsV1: `{"f:spec":{"f:replicas":{},"f:template":{".":{},...}}}`. A path is a member when
 * its node is empty or has a `.`. Nodes are in canonical order, immutable and shared: unchanged parts are the same objects before
 * and after a write.
 */
import { compareElements, elementText, readElement } from "./path-element.ts";

export interface FieldSet {
  readonly [element: string]: FieldSet;
}

/** A node without children: a member. At the top: the empty set. */
export const leaf: FieldSet = Object.freeze({});

export function isEmptySet(set: FieldSet): boolean {
  for (const _ in set) return false;
  return true;
}

const isMember = (node: FieldSet): boolean => "." in node || isEmptySet(node);

/** A node of unordered children; undefined without any. */
export function nodeOf(member: boolean, children: [string, FieldSet][]): FieldSet | undefined {
  if (children.length === 0) return member ? leaf : undefined;
  if (children.length > 1) sortChildren(children);
  const node: Record<string, FieldSet> = {};
  if (member) node["."] = leaf;
  for (const [element, child] of children) node[element] = child;
  return node;
}

function sortChildren(children: [string, FieldSet][]): void {
  let before = (children[0] as [string, FieldSet])[0];
  for (let i = 1; i < children.length; i++) {
    const element = (children[i] as [string, FieldSet])[0];
    if (compareElements(before, element) > 0) {
      children.sort((a, b) => compareElements(a[0], b[0]));
      return;
    }
    before = element;
  }
}

const childrenOf = (node: FieldSet): [string, FieldSet][] =>
  Object.entries(node).filter(([element]) => element !== ".");

/** The union of two sets. */
export function union(a: FieldSet, b: FieldSet): FieldSet {
  return unionNodes(a, b, false) ?? leaf;
}

/** The union of many sets: pairwise, so that it takes little more than linear time. */
export function unionOfAll(sets: readonly FieldSet[]): FieldSet {
  let rest = sets;
  while (rest.length > 1) {
    const pairs: FieldSet[] = [];
    for (let i = 0; i < rest.length; i += 2) pairs.push(union(rest[i] as FieldSet, rest[i + 1] ?? leaf));
    rest = pairs;
  }
  return rest[0] ?? leaf;
}

function unionNodes(a: FieldSet, b: FieldSet, member: boolean): FieldSet | undefined {
  if (a === b) return a;
  let same = true;
  const children: [string, FieldSet][] = [];
  for (const element in a) {
    if (element === ".") continue;
    const mine = a[element] as FieldSet;
    const theirs = b[element];
    const child = theirs ? (unionNodes(mine, theirs, isMember(mine) || isMember(theirs)) as FieldSet) : mine;
    if (child !== mine) same = false;
    children.push([element, child]);
  }
  for (const element in b) {
    if (element === "." || element in a) continue;
    same = false;
    children.push([element, b[element] as FieldSet]);
  }
  if (same && member === isMember(a)) return a;
  return nodeOf(member, children);
}

/** The intersection. */
export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  return intersectNodes(a, b, false) ?? leaf;
}

function intersectNodes(a: FieldSet, b: FieldSet, member: boolean): FieldSet | undefined {
  const children: [string, FieldSet][] = [];
  for (const element in b) {
    const mine = element === "." ? undefined : a[element];
    if (!mine) continue;
    const theirs = b[element] as FieldSet;
    const child = intersectNodes(mine, theirs, isMember(mine) && isMember(theirs));
    if (child) children.push([element, child]);
  }
  return nodeOf(member, children);
}

/** `a` without the members of `b`; paths below these stay. */
export const difference = (a: FieldSet, b: FieldSet): FieldSet => differNodes(a, b, false, false) ?? leaf;

/** As `difference`, but also without everything below the members of `b`. */
export const recursiveDifference = (a: FieldSet, b: FieldSet): FieldSet =>
  differNodes(a, b, false, true) ?? leaf;

function differNodes(a: FieldSet, b: FieldSet, member: boolean, recursive: boolean): FieldSet | undefined {
  if (isEmptySet(a)) return member ? leaf : undefined;
  let same = true;
  const children: [string, FieldSet][] = [];
  for (const element in a) {
    if (element === ".") continue;
    const mine = a[element] as FieldSet;
    const theirs = b[element];
    if (!theirs) {
      children.push([element, mine]);
      continue;
    }
    const taken = isMember(theirs);
    const child =
      recursive && taken ? undefined : differNodes(mine, theirs, isMember(mine) && !taken, recursive);
    if (child !== mine) same = false;
    if (child) children.push([element, child]);
  }
  if (same && member === "." in a) return a;
  return nodeOf(member, children);
}

/** The set of these paths. */
export function setOf(...paths: readonly (readonly string[])[]): FieldSet {
  let out: FieldSet = leaf;
  for (const path of paths) {
    const one = path.reduceRight<FieldSet>((below, element) => ({ [element]: below }), leaf);
    out = union(out, one);
  }
  return out;
}

/** The paths of all members: parents first, in Kubernetes' order. */
export function pathsOf(set: FieldSet): string[][] {
  const found: string[][] = [];
  const walk = (node: FieldSet, prefix: readonly string[]) => {
    const children = childrenOf(node);
    for (const [element, child] of children) if (isMember(child)) found.push([...prefix, element]);
    for (const [element, child] of children) walk(child, [...prefix, element]);
  };
  walk(set, []);
  return found;
}

export const pathText = (path: readonly string[]): string => path.map(elementText).join("");

/** Parses a set from a client: canonicalizes spelling and order, and drops unknown path elements. Throws for an invalid one. */
export function readFieldSet(value: unknown): FieldSet {
  return readNode(value, false) ?? leaf;
}

function readNode(value: unknown, below: boolean): FieldSet | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Error(`ReadMapCB: expect { or n, but found ${firstChar(value)}`);
  }
  const children = new Map<string, FieldSet>();
  let member = false;
  for (const [text, child] of Object.entries(value)) {
    if (text === ".") {
      member = true;
      continue;
    }
    const element = readElement(text);
    if (element === undefined) continue;
    const node = readNode(child, true) as FieldSet;
    const known = children.get(element);
    children.set(element, known ? (union({ x: known }, { x: node }).x as FieldSet) : node);
  }
  return nodeOf(below && (member || children.size === 0), [...children]);
}

const firstChar = (value: unknown): string => JSON.stringify(value)?.charAt(0) ?? "n";
