import type { ElkNode, ElkPort } from 'elkjs/lib/elk-api.js';
import type { GraphDocument } from '../../graphs/document/document.ts';
import type { Cards } from '../../nodes/card.ts';
import { estimateCardShape } from './cardShape.ts';
import { GRID, snap } from './grid.ts';

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
  /** Makes a socket known to ELK and gives the name that it has there: that of the node where there is no such socket. */
  const addPort = (id: string, side: 'source' | 'target', name: string): string => {
    const port = `${side} ${id} ${name}`;
    const known = ports.get(id)!;
    const node = document.nodes[id];
    const { sockets } = node ? estimateCardShape(node, cards) : { sockets: [] };
    const socket = sockets.find((each) => each.side === side && each.name === name);
    if (!socket) return id;
    if (!known.some((each) => each.id === port)) {
      const x = side === 'source' ? sizeOf(id).width : 0;
      const layoutOptions = { 'elk.port.side': side === 'source' ? 'EAST' : 'WEST' };
      known.push({ id: port, x, y: socket.y, layoutOptions });
    }
    return port;
  };
  const edges = wires.map(({ wire: [source, output], id, name }, i) => ({
    id: String(i),
    sources: [addPort(source, 'source', output)],
    targets: [addPort(id, 'target', name)],
  }));
  const children = ids.map(
    (id): ElkNode => ({
      id,
      ...sizeOf(id),
      ports: ports.get(id)!,
      layoutOptions: { 'elk.portConstraints': 'FIXED_POS' },
    }),
  );
  const laid = await new Elk().layout({
    id: 'graph',
    layoutOptions: {
      'elk.algorithm': 'layered',
      'elk.direction': 'RIGHT',
      'elk.padding': '[top=0,left=0,bottom=0,right=0]',
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
    [snap(left + x), snap(top + y)],
  ]);
  return Object.fromEntries(placed);
}
