/** Checks the imports below src/ against tools/import-rules.ts, and that there are no circles (type imports included). */
import { globSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { importRules } from "./import-rules.ts";

interface Edge {
  from: string;
  line: number;
  to: string;
}

const statement =
  /(?:^|[\s;])(?:import|export)\s[^"';]*?from\s*["'](\.[^"']+)["']|(?:^|[\s;])import\s*["'](\.[^"']+)["']|\bimport\(\s*["'](\.[^"']+)["']\s*\)/g;

function edgesOf(file: string): Edge[] {
  const text = readFileSync(file, "utf8");
  return [...text.matchAll(statement)].map((match) => ({
    from: file,
    line: text.slice(0, (match.index ?? 0) + match[0].length).split("\n").length,
    to: normalize(join(dirname(file), match[1] ?? match[2] ?? match[3] ?? "")),
  }));
}

const folderOf = (path: string): string => path.split("/")[1] ?? "";
const isTest = (path: string): boolean => /\.test\.ts$|\/testing\/|\.suite\.ts$/.test(path);

/** What is wrong with one edge, or undefined. */
export function faultOf(edge: Edge): string | undefined {
  if (!edge.to.startsWith("src/"))
    return isTest(edge.from) || edge.to === "package.json" ? undefined : "leaves src/";
  const from = folderOf(edge.from);
  const to = folderOf(edge.to);
  if (from === to) {
    return edge.to === `src/${to}/index.ts` && !isTest(edge.from)
      ? "inside a folder import the file, never your own index.ts"
      : undefined;
  }
  if (isTest(edge.from)) return undefined;
  if (to === "testing") return "src/testing is for tests alone";
  const rule = importRules[from];
  if (!rule) return `folder ${from} has no line in tools/import-rules.ts`;
  if (!rule.may.includes(to)) return `${from} may use ${rule.may.join(", ") || "nothing"}: ${rule.why}`;
  if (edge.to !== `src/${to}/index.ts`) return `across folders import src/${to}/index.ts only`;
  return undefined;
}

/** Strongly connected files, by Tarjan's algorithm. */
function circles(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const onStack = new Set<string>();
  const found: string[][] = [];
  const visit = (node: string): void => {
    index.set(node, index.size);
    low.set(node, index.get(node) ?? 0);
    stack.push(node);
    onStack.add(node);
    for (const next of graph.get(node) ?? []) {
      if (!index.has(next)) {
        visit(next);
        low.set(node, Math.min(low.get(node) ?? 0, low.get(next) ?? 0));
      } else if (onStack.has(next)) {
        low.set(node, Math.min(low.get(node) ?? 0, index.get(next) ?? 0));
      }
    }
    if (low.get(node) !== index.get(node)) return;
    const component: string[] = [];
    for (;;) {
      const member = stack.pop();
      if (member === undefined) break;
      onStack.delete(member);
      component.push(member);
      if (member === node) break;
    }
    if (component.length > 1 || (graph.get(node) ?? []).includes(node)) found.push(component);
  };
  for (const node of graph.keys()) if (!index.has(node)) visit(node);
  return found;
}

/** All violations, one sentence each. */
export function checkImports(): string[] {
  const edges = globSync("src/**/*.ts").flatMap(edgesOf);
  const problems = edges.flatMap((edge) => {
    const why = faultOf(edge);
    return why ? [`${edge.from}:${edge.line} imports ${edge.to}: ${why}`] : [];
  });
  const graph = new Map<string, string[]>();
  for (const edge of edges) {
    if (isTest(edge.from)) continue;
    graph.set(edge.from, [...(graph.get(edge.from) ?? []), edge.to]);
  }
  for (const circle of circles(graph)) problems.push(`import circle: ${circle.reverse().join(" -> ")}`);
  return problems;
}

if (import.meta.main) {
  const problems = checkImports();
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length > 0 ? 1 : 0;
}
