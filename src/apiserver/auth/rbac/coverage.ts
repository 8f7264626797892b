/** Finds the rules that a user wants to grant but does not hold. Pure. */
import { StatusError } from "../../../machinery/index.ts";
import type { PolicyRule } from "./rule.ts";

/**
 * A rule stands for the product of its lists, which a body of three megabytes can make too large to enumerate. This limits the
 * comparisons of single rules with held ones; Kubernetes is limited by memory only.
 */
const maxLooks = 10_000_000;
/** An uncovered rule is stored and reported, which costs more. */
const looksPerLack = 100;

/** A held rule, with its lists as sets. */
class Held {
  readonly urls: readonly string[];
  readonly #verbs: ReadonlySet<string>;
  readonly #groups: ReadonlySet<string>;
  readonly #resources: ReadonlySet<string>;
  readonly #names: ReadonlySet<string>;

  constructor({ verbs, apiGroups, resources, resourceNames, nonResourceURLs }: PolicyRule) {
    this.#verbs = new Set(verbs);
    this.#groups = new Set(apiGroups);
    this.#resources = new Set(resources);
    this.#names = new Set(resourceNames);
    this.urls = nonResourceURLs ?? [];
  }

  group = (group: string): boolean => this.#groups.has("*") || this.#groups.has(group);

  resource = (resource: string): boolean => {
    if (this.#resources.has("*") || this.#resources.has(resource)) return true;
    const [, sub = ""] = resource.split("/");
    return sub !== "" && this.#resources.has(`*/${sub}`);
  };

  verb = (verb: string): boolean => this.#verbs.has("*") || this.#verbs.has(verb);

  /** Undefined: all names. */
  name = (name: string | undefined): boolean =>
    this.#names.size === 0 || (name !== undefined && this.#names.has(name));

  /** Whether it covers all of these, for any resources. */
  all(verbs: readonly string[], names: readonly (string | undefined)[], looks: Looks): boolean {
    if (!this.#verbs.has("*")) {
      looks.count(verbs.length);
      if (!verbs.every(this.verb)) return false;
    }
    if (this.#names.size === 0) return true;
    looks.count(names.length);
    return names.every(this.name);
  }
}

class Looks {
  #left = maxLooks;

  filter<T>(list: readonly T[], keep: (each: T) => boolean): T[] {
    this.count(list.length);
    return list.filter(keep);
  }

  count(looks: number): void {
    this.#left -= looks + 1;
    if (this.#left < 0)
      throw new StatusError(
        "RequestEntityTooLarge",
        "the rules say too much to be held against those of the user",
      );
  }
}

/** The part of `wanted` that the owned rules do not cover, as rules of single values, which are covered whole or not at all. */
export function uncovered(owned: readonly PolicyRule[], wanted: readonly PolicyRule[]): PolicyRule[] {
  const held = owned.map((rule) => new Held(rule));
  const looks = new Looks();
  return wanted.flatMap((rule) => [...pathsOf(held, rule, looks), ...resourcesOf(held, rule, looks)]);
}

function pathsOf(held: readonly Held[], rule: PolicyRule, looks: Looks): PolicyRule[] {
  const matches = (path: string) => (pattern: string) =>
    pattern === "*" || pattern === path || (pattern.endsWith("*") && path.startsWith(pattern.slice(0, -1)));
  return (rule.nonResourceURLs ?? []).flatMap((url) => {
    const covering = looks.filter(held, ({ urls }) => {
      looks.count(urls.length);
      return urls.some(matches(url));
    });
    return (rule.verbs ?? [])
      .filter((verb) => looks.filter(covering, (each) => each.verb(verb)).length === 0)
      .map((verb) => {
        looks.count(looksPerLack);
        return { verbs: [verb], nonResourceURLs: [url] };
      });
  });
}

function resourcesOf(held: readonly Held[], rule: PolicyRule, looks: Looks): PolicyRule[] {
  const { apiGroups = [], resources = [], resourceNames = [] } = rule;
  const verbs = rule.verbs ?? [];
  const names = resourceNames.length === 0 ? [undefined] : resourceNames;
  const lacking: PolicyRule[] = [];
  for (const group of apiGroups) {
    const ofGroup = looks.filter(held, (each) => each.group(group));
    for (const resource of resources) {
      const ofResource = looks.filter(ofGroup, (each) => each.resource(resource));
      if (ofResource.some((each) => each.all(verbs, names, looks))) continue;
      for (const verb of verbs) {
        const ofVerb = looks.filter(ofResource, (each) => each.verb(verb));
        for (const name of names) {
          if (looks.filter(ofVerb, (each) => each.name(name)).length > 0) continue;
          looks.count(looksPerLack);
          const atom = { verbs: [verb], apiGroups: [group], resources: [resource] };
          lacking.push(name === undefined ? atom : { ...atom, resourceNames: [name] });
        }
      }
    }
  }
  return lacking;
}
