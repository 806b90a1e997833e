import type { GraphDocument } from '../../graphs/document/document.ts';

/** Every param and wire of a graph as text, by `node.param`; those of a subgraph by `subgraph: node.param`. */
export function listParams(document: GraphDocument): Record<string, string> {
  const subgraphs = Object.entries(document.subgraphs ?? {}).flatMap(([name, { nodes }]) =>
    Object.entries(nodes).map(([id, node]) => [`${name}: ${id}`, node] as const),
  );
  const entries = [...Object.entries(document.nodes), ...subgraphs].flatMap(([id, { params, inputs }]) => [
    ...Object.entries(params).map(([name, value]): [string, string] => [
      `${id}.${name}`,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
    ...Object.entries(inputs).map(([name, wires]): [string, string] => [
      `${id}.${name}`,
      wires.map(([source, output]) => `← ${source}.${output}`).join(', '),
    ]),
  ]);
  return Object.fromEntries(entries);
}

interface Difference {
  readonly name: string;
  /** Undefined where a graph has no such param. */
  readonly left: string | undefined;
  readonly right: string | undefined;
}

/** What differs between two graphs. */
export function compareParams(left: GraphDocument, right: GraphDocument): Difference[] {
  const [leftParams, rightParams] = [listParams(left), listParams(right)];
  return [...new Set([...Object.keys(leftParams), ...Object.keys(rightParams)])]
    .filter((name) => leftParams[name] !== rightParams[name])
    .map((name) => ({ name, left: leftParams[name], right: rightParams[name] }));
}
