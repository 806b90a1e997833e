import { describe, expect, it } from 'vitest';
import type { Model, ModelList } from '../../../electron/host/ipc.ts';
import { listModelChoices } from '../../../renderer/controls/modelChoices.ts';
import { nameModel } from '../../../renderer/state/format.ts';
import { messages } from '../../../renderer/state/messages.ts';

const model = (name: string, kind: Model['kind'], from: Model['from'] = 'pulled'): Model => ({
  name,
  kind: kind!,
  from,
  path: `/models/${name}`,
  bytes: 2e9,
  family: 'SD 2',
});
const list: ModelList = {
  models: [model('builtin:world', 'generator', 'built in'), model('org/turbo', 'generator'), model('org/c', 'clip')],
  known: [
    { name: 'org/turbo', kind: 'generator', family: 'SD 2 Turbo', bytes: 2.58e9, licence: 'Some' },
    { name: 'org/xl', kind: 'generator', family: 'SDXL', bytes: 6.94e9 },
  ],
  folder: '/models',
  freeBytes: 1,
};
const shown = (typed?: string, browses = false) =>
  listModelChoices(list, 'generator', typed, browses).map(({ label, act, group }) => [label, act, group]);

describe('the choices of a field for a model', () => {
  it('are those of its kind: what is here with family, size and path, then what is published and not here', () => {
    expect(shown(undefined, true)).toEqual([
      ['world', 'use', messages.models.here],
      ['org/turbo', 'use', messages.models.here],
      ['org/xl', 'pull', messages.models.toDownload],
      [messages.models.browse, 'browse', messages.models.other],
    ]);
    const [, turbo, xl] = listModelChoices(list, 'generator', undefined, false);
    expect(turbo?.detail).toBe(`SD 2 · ${messages.models.from.pulled} · 2.0 GB · /models/org/turbo`);
    expect(xl?.detail).toBe(`SDXL · 6.9 GB · ${messages.models.noLicence}`);
  });

  it('narrow to what is typed, which can be taken as it is where it is none of them', () => {
    expect(shown('turb')).toEqual([
      ['org/turbo', 'use', messages.models.here],
      [messages.models.use('turb'), 'use', messages.models.other],
    ]);
    expect(shown('org/turbo')).toEqual([['org/turbo', 'use', messages.models.here]]);
  });

  it('are only what is typed while the shell has not said what there is', () => {
    expect(listModelChoices(undefined, 'clip', 'a', false).map(({ model }) => model)).toEqual(['a']);
    expect(listModelChoices(undefined, 'clip', undefined, false)).toEqual([]);
  });
});

it('names built-in models and files without what does not tell them apart', () => {
  expect(['builtin:world-one-step', 'org/name', '/a/b/c.ckpt', 'C:\\m\\d'].map(nameModel)).toEqual([
    'world-one-step',
    'org/name',
    'c.ckpt',
    'd',
  ]);
});
