import type { GraphDocument } from '../../graphs/document.ts';
import { GRID } from './flow.ts';

interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * Places for some nodes of a graph, in layers from left to right with few crossings (ELK's layered algorithm). The top
 * left corner of the nodes stays where it was.
 */
export async function layOut(
  document: GraphDocument,
  ids: readonly string[],
  sizeOf: (id: string) => Size,
): Promise<Record<string, readonly [x: number, y: number]>> {
  const { default: Elk } = await import('elkjs/lib/elk.bundled.js'); // 1.5 MB that few need at the start
  const chosen = new Set(ids);
  const edges = ids.flatMap((id) =>
    Object.entries(document.nodes[id]?.inputs ?? {}).flatMap(([name, wires]) =>
      wires
        .filter(([source]) => chosen.has(source))
        .map(([source], i) => ({ id: `${id} ${name} ${i}`, sources: [source], targets: [id] })),
    ),
  );
  const laid = await new Elk().layout({
    id: 'graph',
    layoutOptions: {
      'elk.algorithm': 'layered',
      'elk.direction': 'RIGHT',
      'elk.spacing.nodeNode': String(GRID * 4),
      'elk.layered.spacing.nodeNodeBetweenLayers': String(GRID * 10),
      'elk.layered.nodePlacement.strategy': 'NETWORK_SIMPLEX',
      'elk.layered.considerModelOrder.strategy': 'NODES_AND_EDGES',
    },
    children: ids.map((id) => ({ id, ...sizeOf(id) })),
    edges,
  });
  const left = Math.min(...ids.map((id) => document.nodes[id]?.position[0] ?? 0));
  const top = Math.min(...ids.map((id) => document.nodes[id]?.position[1] ?? 0));
  const placed = (laid.children ?? []).map(({ id, x = 0, y = 0 }): [string, readonly [number, number]] => [
    id,
    [snapped(left + x), snapped(top + y)],
  ]);
  return Object.fromEntries(placed);
}

function snapped(length: number): number {
  return Math.round(length / GRID) * GRID;
}
