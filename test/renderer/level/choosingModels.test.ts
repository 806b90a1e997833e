import { describe, expect, it } from 'vitest';
import type { Model, ModelList } from '../../../electron/host/ipc.ts';
import type { GraphDocument } from '../../../graphs/document/document.ts';
import { emptyDocument } from '../../../graphs/document/document.ts';
import { addNode, setParam } from '../../../graphs/edit/edit.ts';
import { type Cards, describeNode } from '../../../nodes/card.ts';
import { library } from '../../../nodes/index.ts';
import { chooseModels } from '../../../renderer/level/choosingModels.ts';

const cards: Cards = new Map([...library].map(([type, node]) => [type, describeNode(node)]));
const here = (name: string, kind: Model['kind'], family?: string): Model => ({
  name,
  kind: kind!,
  from: name.startsWith('builtin:') ? 'built in' : 'pulled',
  path: name,
  bytes: 1,
  ...(family ? { family } : {}),
});
const builtin = [
  here('builtin:world', 'generator', 'world'),
  here('builtin:world-clip', 'clip'),
  here('builtin:world-aesthetic', 'aesthetic'),
  here('builtin:world-controlnet', 'controlnet', 'world'),
];
const chosen = (type: string, models: Model[], generator?: string) =>
  chooseModels(cards.get(type)!, generator ? withGenerator(generator) : emptyDocument(''), cards, {
    models,
    known: [],
  } as unknown as ModelList);

function withGenerator(model: string): GraphDocument {
  const added = addNode(emptyDocument(''), 'g', cards.get('model/load-generator')!, [0, 0]);
  return setParam(added, cards, 'g', 'model', model);
}

describe('a new node', () => {
  it('takes built-in models beside a built-in generator, in all of its fields', () => {
    expect(chosen('reward/clip-score', builtin, 'builtin:world')).toEqual({ model: 'builtin:world-clip' });
    expect(chosen('reward/aesthetic', builtin, 'builtin:world')).toEqual({
      model: 'builtin:world-aesthetic',
      clip: 'builtin:world-clip',
    });
  });

  it('takes what is here beside another generator, of its family, but nothing built in', () => {
    const models = [...builtin, here('org/sd', 'generator', 'SD 1'), here('org/xl', 'generator', 'SDXL')];
    const nets = [here('org/net-xl', 'controlnet', 'SDXL'), here('org/net', 'controlnet', 'SD 1')];
    expect(chosen('reward/clip-score', models, 'org/sd')).toEqual({});
    expect(chosen('reward/clip-score', [...models, here('org/clip', 'clip')], 'org/sd')).toEqual({ model: 'org/clip' });
    expect(chosen('model/load-controlnet', [...models, ...nets], 'org/sd')).toEqual({ model: 'org/net' });
    expect(chosen('model/load-controlnet', [...models, ...nets], 'org/xl')).toEqual({ model: 'org/net-xl' });
  });

  it('keeps its initial model where that is here or nothing else is', () => {
    const { initial } = cards.get('reward/clip-score')!.params.model as { initial: string };
    expect(chosen('reward/clip-score', [here('org/a', 'clip'), here(initial, 'clip')])).toEqual({});
    expect(chosen('reward/pick-score', builtin, 'builtin:world')).toEqual({});
    expect(chosen('reward/clip-score', [here('org/a', 'clip')])).toEqual({ model: 'org/a' });
  });
});
