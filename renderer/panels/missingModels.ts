import type { Model } from '../../electron/host/ipc.ts';
import type { GraphDocument } from '../../graphs/document/document.ts';
import type { Cards } from '../../nodes/card.ts';

/** Hub names in the graph's model params that are not on this machine. */
export function findMissingModels(document: GraphDocument, cards: Cards, models: readonly Model[]): string[] {
  const here = new Set(models.map(({ name }) => name));
  const levels = [document, ...Object.values(document.subgraphs ?? {})];
  const nodes = levels.flatMap((level) => Object.values(level.nodes));
  const wanted = nodes.flatMap(({ type, params }) =>
    Object.entries(cards.get(type)?.params ?? {})
      .filter(([, { kind }]) => kind === 'model')
      .map(([name, { initial }]) => params[name] ?? initial),
  );
  return [...new Set(wanted)].filter(
    (name): name is string => typeof name === 'string' && /^[\w.-]+\/[\w.-]+$/.test(name) && !here.has(name),
  );
}
