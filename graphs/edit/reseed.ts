import type { Cards } from '../../nodes/card.ts';
import { type GraphDocument, type GraphNode, own } from '../document/document.ts';

/**
 * The graph with other seeds, in subgraphs too. Seeds that were equal stay equal, as where one noise is compared in two
 * ways; those that a wire drives are left alone. `draw` gives an integer in [0, 2^53).
 */
export function reseed(document: GraphDocument, cards: Cards, draw: () => number): GraphDocument {
  const drawn = new Map<number, number>();
  const instead = (old: number) => {
    const seed = drawn.get(old) ?? draw();
    drawn.set(old, seed);
    return seed;
  };
  const reseeded = (node: GraphNode): GraphNode => {
    const seeds = Object.entries(cards.get(node.type)?.params ?? {}).flatMap(([name, param]) => {
      if (param.kind !== 'seed' || own(node.inputs, name)?.length) return [];
      const old = own(node.params, name) ?? param.initial;
      return typeof old === 'number' ? [[name, instead(old)] as const] : [];
    });
    return seeds.length > 0 ? { ...node, params: { ...node.params, ...Object.fromEntries(seeds) } } : node;
  };
  const all = (nodes: GraphDocument['nodes']) =>
    Object.fromEntries(Object.entries(nodes).map(([id, node]) => [id, reseeded(node)]));
  const nodes = all(document.nodes);
  const subgraphs = Object.entries(document.subgraphs ?? {}).map(([name, subgraph]) => [
    name,
    { ...subgraph, nodes: all(subgraph.nodes) },
  ]);
  if (drawn.size === 0) return document;
  return {
    ...document,
    nodes,
    ...(document.subgraphs ? { subgraphs: Object.fromEntries(subgraphs) } : {}),
  };
}
