import { findCycles } from './cycles.ts';
import { type GraphDocument, limits, type Subgraph } from './document.ts';
import { subgraphOf } from './levels.ts';
import { type Problem, problem } from './problems.ts';

/**
 * Why a graph cannot be flattened: subgraphs that contain themselves, nest too deeply, or expand to too many nodes. Linear in the size of the document, and without recursion.
 */
export function checkSubgraphs({ nodes, subgraphs = {} }: GraphDocument): Problem[] {
  const names = Object.keys(subgraphs);
  if (names.length > limits.subgraphs) {
    const message = `The graph has ${names.length} subgraphs; at most ${limits.subgraphs} are allowed.`;
    return [problem('TOO_LARGE', {}, message, 'Split it into several graphs.', names.length)];
  }
  const numbers = new Map(names.map((name, number) => [name, number]));
  const uses = names.map((name) => subgraphsIn(subgraphs[name]!).flatMap((inner) => numbers.get(inner) ?? []));
  const cycles = findCycles(uses).map((cycle) => {
    const path = cycle.map((number) => names[number]!).reverse();
    const { title } = subgraphs[path[0]!]!;
    const message = `The subgraph "${title}" (${path[0]}) contains itself: ${[...path, path[0]].join(' > ')}.`;
    return problem('CYCLE', {}, message, 'Remove one of these subgraphs from the one before it.', path.slice(0, 100));
  });
  if (cycles.length > 0) return cycles;

  const sizes = new Map<string, number>();
  const depths = new Map<string, number>();
  const measure = (level: Pick<Subgraph, 'nodes'>) => {
    const inner = subgraphsIn(level);
    const size = inner.reduce((sum, name) => sum + (sizes.get(name) ?? 0), Object.keys(level.nodes).length);
    const depth = inner.reduce((most, name) => Math.max(most, 1 + (depths.get(name) ?? 0)), 0);
    return { size, depth };
  };
  for (const number of bottomUp(uses)) {
    const { size, depth } = measure(subgraphs[names[number]!]!);
    sizes.set(names[number]!, size);
    depths.set(names[number]!, depth);
  }
  const { size, depth } = measure({ nodes });
  if (depth > limits.nesting) {
    const message = `Subgraphs nest ${depth} deep; at most ${limits.nesting} levels are allowed.`;
    return [problem('TOO_LARGE', {}, message, 'Put the nodes of an inner one in its place.', depth)];
  }
  if (size <= limits.nodes) return [];
  const message = `The graph has ${size} nodes; at most ${limits.nodes} are allowed.`;
  return [problem('TOO_LARGE', {}, message, 'Split it into several graphs.', size)];
}

/** The names of the subgraphs that the nodes of a level stand for, as often as they do. */
export function subgraphsIn({ nodes }: Pick<Subgraph, 'nodes'>): string[] {
  const names: string[] = [];
  for (const id in nodes) {
    const name = subgraphOf(nodes[id]!);
    if (name !== undefined) names.push(name);
  }
  return names;
}

/** All numbers, each after those that it uses; there must be no cycles. */
function bottomUp(uses: readonly (readonly number[])[]): number[] {
  const order: number[] = [];
  const begun = new Uint8Array(uses.length);
  const cursor = new Int32Array(uses.length);
  for (let root = 0; root < uses.length; root++) {
    const stack = begun[root] ? [] : [root];
    begun[root] = 1;
    while (stack.length > 0) {
      const top = stack.at(-1)!;
      const next = uses[top]![cursor[top]!++];
      if (next === undefined) order.push(stack.pop()!);
      else if (!begun[next]) {
        begun[next] = 1;
        stack.push(next);
      }
    }
  }
  return order;
}
