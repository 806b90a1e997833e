import { type GraphDocument, own } from '../../graphs/document/document.ts';

/**
 * The graph with the params of another one at all nodes of the same id, type and version, inside subgraphs too. `alike` counts
 * those nodes, `changed` the values that differ.
 */
export function takeParams(
  document: GraphDocument,
  from: GraphDocument,
): { readonly document: GraphDocument; readonly alike: number; readonly changed: number } {
  let [alike, changed] = [0, 0];
  const take = (nodes: GraphDocument['nodes'], others: GraphDocument['nodes']): GraphDocument['nodes'] =>
    Object.fromEntries(
      Object.entries(nodes).map(([id, node]) => {
        const other = own(others, id);
        if (other?.type !== node.type || other.version !== node.version) return [id, node];
        alike++;
        const names = [...new Set([...Object.keys(node.params), ...Object.keys(other.params)])];
        const textOf = (params: typeof node.params, name: string) => JSON.stringify(own(params, name));
        const different = names.filter((name) => textOf(node.params, name) !== textOf(other.params, name));
        changed += different.length;
        return [id, different.length > 0 ? { ...node, params: other.params } : node];
      }),
    );
  const nodes = take(document.nodes, from.nodes);
  const subgraphs = Object.entries(document.subgraphs ?? {}).map(([name, subgraph]) => {
    const other = own(from.subgraphs ?? {}, name);
    return [name, other ? { ...subgraph, nodes: take(subgraph.nodes, other.nodes) } : subgraph] as const;
  });
  if (changed === 0) return { document, alike, changed };
  const next = { ...document, nodes, ...(subgraphs.length > 0 ? { subgraphs: Object.fromEntries(subgraphs) } : {}) };
  return { document: next, alike, changed };
}
