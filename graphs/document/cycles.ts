/**
 * Finds cycles: one for each strongly connected group, so a graph without cycles gives an empty list.
 * `sources[i]` are the numbers of what i waits for. Each cycle is in the order of flow (its first element feeds its
 * second, its last feeds its first). Linear, and without recursion.
 * Source: Tarjan 1972, strongly connected components (order = his NUMBER, low = his LOWLINK).
 */
export function findCycles(sources: readonly (readonly number[])[]): number[][] {
  const count = sources.length;
  const order = new Int32Array(count);
  const low = new Int32Array(count);
  const cursor = new Int32Array(count);
  const open = new Uint8Array(count);
  const stack: number[] = [];
  const calls: number[] = [];
  const cycles: number[][] = [];
  let visited = 0;
  const visit = (node: number) => {
    order[node] = low[node] = ++visited;
    open[node] = 1;
    stack.push(node);
    calls.push(node);
  };
  for (let root = 0; root < count; root++) {
    if (!order[root]) visit(root);
    while (calls.length > 0) {
      const node = calls.at(-1)!;
      const source = sources[node]![cursor[node]!++];
      if (source !== undefined) {
        if (!order[source]) visit(source);
        else if (open[source]) low[node] = Math.min(low[node]!, order[source]!);
        continue;
      }
      calls.pop();
      const caller = calls.at(-1);
      if (caller !== undefined) low[caller] = Math.min(low[caller]!, low[node]!);
      if (low[node] !== order[node]) continue;
      const group = stack.splice(stack.lastIndexOf(node));
      for (const member of group) open[member] = 0;
      if (group.length > 1 || sources[node]!.includes(node)) cycles.push(findCycleWithin(new Set(group), sources));
    }
  }
  return cycles;
}

/** Walks against the flow inside a strongly connected group until something comes up again. */
function findCycleWithin(group: ReadonlySet<number>, sources: readonly (readonly number[])[]): number[] {
  const [start] = group;
  const seen = new Map<number, number>();
  const path: number[] = [];
  let node = start!;
  while (!seen.has(node)) {
    seen.set(node, path.length);
    path.push(node);
    node = sources[node]!.find((source) => group.has(source))!;
  }
  return path.slice(seen.get(node)).reverse();
}
