// Steps that were made from one pattern (`train_1`, `train_2`, ...) with the same neighbors become one stack.
import { RANK } from "./status";

export interface Edge {
  source: string;
  target: string;
}
export interface Stack {
  id: string;
  title: string;
  members: string[];
}

const pattern = (name: string): string => name.replace(/[_-]?\d+$|\[\d+\]$/, "");

export function collapse(names: string[], edges: Edge[], least = 4): { stacks: Stack[]; edges: Edge[]; of: Map<string, string> } {
  const above = new Map<string, string[]>();
  const below = new Map<string, string[]>();
  for (const { source, target } of edges) {
    (above.get(target) ?? above.set(target, []).get(target)!).push(pattern(source));
    (below.get(source) ?? below.set(source, []).get(source)!).push(pattern(target));
  }
  const groups = new Map<string, string[]>();
  for (const name of names) {
    const around = `${pattern(name)}|${[...new Set(above.get(name) ?? [])].sort().join()}|${[...new Set(below.get(name) ?? [])].sort().join()}`;
    (groups.get(around) ?? groups.set(around, []).get(around)!).push(name);
  }
  const of = new Map<string, string>();
  const stacks: Stack[] = [];
  for (const [around, members] of groups) {
    const together = members.length >= least && pattern(members[0]!) !== members[0];
    for (const stack of together ? [{ id: `stack:${around}`, title: pattern(members[0]!), members }] : members.map((name) => ({ id: name, title: name, members: [name] }))) {
      stacks.push(stack);
      for (const member of stack.members) of.set(member, stack.id);
    }
  }
  const seen = new Set<string>();
  const drawn: Edge[] = [];
  for (const edge of edges) {
    const source = of.get(edge.source);
    const target = of.get(edge.target);
    if (!source || !target || source === target || seen.has(`${source}\n${target}`)) continue;
    seen.add(`${source}\n${target}`);
    drawn.push({ source, target });
  }
  return { stacks, edges: drawn, of };
}

/** The status that a stack shows: the one that a person should know. */
export const worst = (statuses: string[]): string => statuses.reduce((one, other) => ((RANK[one] ?? 9) <= (RANK[other] ?? 9) ? one : other), "Completed");

/** Everything that `name` reads from, or that reads from it, at any distance. */
export function related(name: string, edges: Edge[]): Set<string> {
  const found = new Set([name]);
  for (const [from, to] of [["source", "target"], ["target", "source"]] as const) {
    const queue = [name];
    while (queue.length) {
      const here = queue.pop()!;
      for (const edge of edges) {
        if (edge[from] === here && !found.has(edge[to])) {
          found.add(edge[to]);
          queue.push(edge[to]);
        }
      }
    }
  }
  return found;
}
