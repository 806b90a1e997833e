import { type GraphDocument, own } from '../../graphs/document/document.ts';
import { levelOf, subgraphOf } from '../../graphs/document/levels.ts';
import { labelNode, type Problem, problem, titleOf } from '../../graphs/document/problems.ts';
import type { Cards } from '../../nodes/card.ts';
import type { ModelKind } from '../../nodes/params.ts';
import { messages } from './messages.ts';
import { levelCards } from './nodeCards.ts';

/** A model that a graph names. */
export interface ModelUse {
  /** The node, as runs and problems name it (`outer/inner`). */
  readonly node: string;
  readonly param: string;
  readonly model: string;
  readonly takes: ModelKind;
  readonly title: string;
  /** How sentences name the node. */
  readonly label: string;
}

/** Every model that the nodes of a graph name, those inside subgraphs with the node that stands for them; muted nodes load none. */
export function listModelUses(whole: GraphDocument, library: Cards): ModelUse[] {
  const known = new Map<string | undefined, readonly ModelUse[]>();
  const usesIn = (name: string | undefined): readonly ModelUse[] => {
    const found = known.get(name);
    if (found) return found;
    known.set(name, []); // a subgraph inside itself: its check says so
    const [level, cards] = [levelOf(whole, name), levelCards(whole, library, name)];
    const uses = Object.entries(level.nodes).flatMap(([id, node]): ModelUse[] => {
      if (node.muted) return [];
      const inner = subgraphOf(node);
      if (inner !== undefined) return usesIn(inner).map((use) => ({ ...use, node: `${id}/${use.node}` }));
      return Object.entries(cards.get(node.type)?.params ?? {}).flatMap(([param, declared]): ModelUse[] => {
        if (declared.kind !== 'model' || own(node.inputs, param)?.length) return [];
        const model = own(node.params, param) ?? declared.initial;
        if (typeof model !== 'string' || model === '') return [];
        const [title, label] = [titleOf(node, cards), labelNode(id, node, cards)];
        return [{ node: id, param, model, takes: declared.takes, title, label }];
      });
    });
    known.set(name, uses);
    return uses;
  };
  return [...usesIn(undefined)];
}

/** One problem for each place that names a model which is not on this machine. */
export function findMissingUses(whole: GraphDocument, library: Cards, missing: readonly string[]): Problem[] {
  if (missing.length === 0) return [];
  return listModelUses(whole, library)
    .filter(({ model }) => missing.includes(model))
    .map(({ node, param, model, label }) =>
      problem('MISSING_MODEL', { node, param }, messages.models.notHere(label, model), messages.models.getIt, model),
    );
}

/** The model of the generator that a node of a level takes, directly or through nodes that pass it on; undefined where it is not said. */
export function findGenerator({ nodes }: GraphDocument, cards: Cards, id: string): string | undefined {
  const seen = new Set<string>();
  for (let at = id; !seen.has(at); ) {
    seen.add(at);
    const node = own(nodes, at);
    const card = cards.get(node?.type ?? '');
    if (!node || !card) return undefined;
    const loads = Object.entries(card.params).find(
      ([, param]) => param.kind === 'model' && param.takes === 'generator',
    );
    if (loads && at !== id) {
      const model = own(node.params, loads[0]) ?? loads[1].initial;
      return typeof model === 'string' ? model : undefined;
    }
    const input = Object.entries(card.inputs).find(([, { type }]) => type === 'generator');
    at = (input && own(node.inputs, input[0])?.[0]?.[0]) ?? id;
  }
  return undefined;
}

/** Whether a name is one that can be downloaded: of a hub model, or of a file of one. */
export function isHubName(name: string): boolean {
  return /^\w[\w.-]*\/\w[\w.-]*(\/[\w.+-]+)*$/.test(name);
}
