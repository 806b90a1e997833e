import type { ElkNode, ElkPort } from 'elkjs/lib/elk-api.js';
import type { GraphDocument } from '../../graphs/document/document.ts';
import type { Cards } from '../../nodes/card.ts';
import { cardShape } from './cardShape.ts';
import { GRID } from './flow.ts';

interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * Places for some nodes of a graph, in layers from left to right with few crossings and straight wires between their
 * sockets (ELK's layered algorithm). The top left corner of the nodes stays where it was.
 */
export async function layOut(
  document: GraphDocument,
  cards: Cards,
  ids: readonly string[],
  sizeOf: (id: string) => Size,
): Promise<Record<string, readonly [x: number, y: number]>> {
  const { default: Elk } = await import('elkjs/lib/elk.bundled.js'); // 1.5 MB that few need at the start
  const chosen = new Set(ids);
  const wires = ids.flatMap((id) =>
    Object.entries(document.nodes[id]?.inputs ?? {}).flatMap(([name, wires]) =>
      wires.filter(([source]) => chosen.has(source)).map((wire) => ({ wire, id, name })),
    ),
  );
  const ports = new Map<string, ElkPort[]>(ids.map((id) => [id, []]));
  /** The name under which ELK knows a socket, which must be one that the node has. */
  const portOf = (id: string, type: 'source' | 'target', name: string): string => {
    const port = `${type} ${id} ${name}`;
    const known = ports.get(id) as ElkPort[];
    const node = document.nodes[id];
    const { handles } = node ? cardShape(node, cards) : { handles: [] };
    const handle = handles.find((each) => each.type === type && each.id === name);
    if (!handle) return id;
    if (!known.some((each) => each.id === port)) {
      const x = type === 'source' ? sizeOf(id).width : 0;
      const layoutOptions = { 'elk.port.side': type === 'source' ? 'EAST' : 'WEST' };
      known.push({ id: port, x, y: handle.y + (handle.height ?? 0) / 2, layoutOptions });
    }
    return port;
  };
  const edges = wires.map(({ wire: [source, output], id, name }, i) => ({
    id: String(i),
    sources: [portOf(source, 'source', output)],
    targets: [portOf(id, 'target', name)],
  }));
  const children = ids.map(
    (id): ElkNode => ({
      id,
      ...sizeOf(id),
      ports: ports.get(id) as ElkPort[],
      layoutOptions: { 'elk.portConstraints': 'FIXED_POS' },
    }),
  );
  const laid = await new Elk().layout({
    id: 'graph',
    layoutOptions: {
      'elk.algorithm': 'layered',
      'elk.direction': 'RIGHT',
      'elk.spacing.nodeNode': String(GRID * 4),
      'elk.layered.spacing.nodeNodeBetweenLayers': String(GRID * 10),
      'elk.layered.spacing.edgeNodeBetweenLayers': String(GRID * 2),
      'elk.layered.nodePlacement.strategy': 'NETWORK_SIMPLEX',
      'elk.layered.considerModelOrder.strategy': 'NODES_AND_EDGES',
    },
    children,
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
