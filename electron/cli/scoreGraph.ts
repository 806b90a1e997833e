import { emptyDocument, type GraphDocument, type GraphNode, type Wire } from '../../graphs/document/document.ts';
import type { NodeCard } from '../../nodes/card.ts';

export interface SizedImage {
  /** Absolute. */
  readonly path: string;
  readonly width: number;
  readonly height: number;
}

/** Images of one size together, at most `size` at a time, in their order. */
export function sizedBatches(images: readonly SizedImage[], size: number): SizedImage[][] {
  const batches: SizedImage[][] = [];
  const open = new Map<string, SizedImage[]>();
  for (const image of images) {
    const key = `${image.width}x${image.height}`;
    const batch = open.get(key);
    if (batch && batch.length < size) batch.push(image);
    else {
      open.set(key, [image]);
      batches.push(open.get(key)!);
    }
  }
  return batches;
}

/** The node that scores batch i. */
export const nameScoreNode = (batch: number): string => `score-${batch}`;

/** A graph that loads each reward once and scores the batches one after the other. */
export function scoreGraph(
  batches: readonly (readonly SizedImage[])[],
  rewards: ReadonlyMap<string, NodeCard>,
  prompt: string | undefined,
): GraphDocument {
  const node = (type: string, params: GraphNode['params'], inputs: GraphNode['inputs'] = {}): GraphNode => {
    return { type, version: 1, params, inputs, position: [0, 0] };
  };
  const nodes: Record<string, GraphNode> = {};
  for (const [id, { type, version }] of rewards) nodes[id] = { ...node(type, {}), version };
  if (prompt !== undefined) nodes.prompt = node('input/text', { text: prompt });
  const wires = {
    rewards: [...rewards.keys()].map((id): Wire => [id, 'reward']),
    ...(prompt !== undefined && { prompt: [['prompt', 'text']] as const }),
  };
  for (const [i, batch] of batches.entries()) {
    nodes[`load-${i}`] = node('input/load-images', { path: batch.map(({ path }) => path).join('\n') });
    nodes[nameScoreNode(i)] = node('reward/score', {}, { images: [[`load-${i}`, 'images']], ...wires });
  }
  return { ...emptyDocument('Score images'), nodes };
}
