import type { Model, ModelList } from '../../electron/host/ipc.ts';
import type { GraphDocument } from '../../graphs/document/document.ts';
import type { Cards, NodeCard } from '../../nodes/card.ts';
import type { ModelKind, ModelParam } from '../../nodes/params.ts';
import { listModelUses } from '../state/modelUses.ts';

/** Kinds that belong to one family of generators. */
const ofFamily: readonly ModelKind[] = ['controlnet', 'lora', 'decoder'];

/**
 * Models for the params of a new node, by name, where there are better ones than the initial: such as are on this machine
 * and fit the graph, built-in ones beside a built-in generator.
 */
export function chooseModels(
  card: NodeCard,
  whole: GraphDocument,
  library: Cards,
  list: ModelList | undefined,
): Readonly<Record<string, string>> {
  if (!list) return {};
  const generators = listModelUses(whole, library).filter(({ takes }) => takes === 'generator');
  const used = generators.flatMap(({ model }) => list.models.find(({ name }) => name === model) ?? []);
  const params = Object.entries(card.params).filter(
    (entry): entry is [string, ModelParam] => entry[1].kind === 'model' && !entry[1].optional,
  );
  return Object.fromEntries(
    params.flatMap(([name, param]) => {
      const model = chooseModel(param, used, list.models);
      return model === undefined || model === param.initial ? [] : [[name, model]];
    }),
  );
}

function chooseModel({ takes, initial }: ModelParam, generators: readonly Model[], models: readonly Model[]) {
  const fitting = models.filter(({ kind }) => kind === takes);
  const isBuiltIn = ({ from }: Model) => from === 'built in';
  const world = generators.length > 0 ? generators.every(isBuiltIn) : undefined;
  const families = new Set(generators.map(({ family }) => family));
  const rank = (model: Model) =>
    (isBuiltIn(model) === world ? 4 : 0) +
    (ofFamily.includes(takes) && families.has(model.family) ? 2 : 0) +
    (model.name === initial ? 1 : 0);
  const allowed = world === false ? fitting.filter((model) => !isBuiltIn(model)) : fitting;
  const [best] = [...allowed].sort((a, b) => rank(b) - rank(a));
  return best?.name;
}
