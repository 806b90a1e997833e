import { describe, expect, it } from 'vitest';
import type { RunSummary } from '../../../electron/host/ipc.ts';
import { listGallery, listLive, orderGallery, searchGallery } from '../../../renderer/runs/galleryImages.ts';
import { waitingRun } from '../../../renderer/state/run.ts';

const summary = (
  folder: string,
  started: string,
  names: readonly string[],
  more: Partial<RunSummary> = {},
): RunSummary => ({
  folder,
  started,
  title: `Graph ${folder}`,
  state: 'done',
  device: { name: 'cpu', description: '' },
  outputs: names.map((name) => ({
    node: 's',
    name,
    mime: 'image/png',
    size: 1,
    sha256: '',
    label: { id: name, prompt: `a red ${name}`, seed: 7 },
  })),
  copies: [],
  models: [],
  scores: [],
  watched: [],
  problems: [],
  warnings: [],
  ...more,
});
const scores = {
  node: 'x',
  output: 'scores',
  names: ['CLIP score', 'other'],
  values: [
    [0.5, 1],
    [0.2, 2],
  ],
  labels: [{ id: 'a' }, { id: 'b' }],
};
const all = listGallery([
  summary('new', '2026-02-03T12:00:00.000Z', ['a', 'b'], {
    scores: [scores],
    models: ['builtin:world'],
    copies: [{ node: 's', output: 'o', count: 1, name: 'copies/a.png', mime: 'image/png', label: { id: 'a' } }],
  }),
  summary('old', '2025-12-24T12:00:00.000Z', ['c']),
]);
const namesOf = (images: readonly { name: string }[]) => images.map(({ name }) => name);

describe('the gallery', () => {
  it('lists the images of all runs with their scores, by the id, and a smaller file to show', () => {
    expect(namesOf(all)).toEqual(['a', 'b', 'c']);
    expect(all[0]).toMatchObject({ folder: 'new', scores: { 'CLIP score': 0.5, other: 1 }, thumbnail: 'copies/a.png' });
    expect(all[2]).toMatchObject({ folder: 'old', scores: {} });
  });

  it.each([
    ['red A', ['a', 'b', 'c']],
    ['"none"', []],
    ['graph old', ['c']],
    ['world', ['a', 'b']],
    ['2026-02', ['a', 'b']],
    ['2025-12-24', ['c']],
    ['seed:7', ['a', 'b', 'c']],
    ['clip>0.3', ['a']],
    ['clipscore<=0.2', ['b']],
    ['other>=1 clip<0.4', ['b']],
    ['unknown>0', []],
  ])('finds by %s', (query, found) => {
    expect(namesOf(searchGallery(all, query))).toEqual(found);
  });

  it('is sorted by time and by a score', () => {
    expect(namesOf(orderGallery(all, 'oldest'))).toEqual(['c', 'a', 'b']);
    expect(namesOf(orderGallery(all, { score: 'other' }))).toEqual(['b', 'a', 'c']);
  });

  it('shows what a run that goes on gave so far, each image once', () => {
    const file = (name: string, id: string) => ({
      node: 'n',
      name,
      mime: 'image/png',
      bytes: new Uint8Array(1),
      label: { id },
    });
    const run = {
      ...waitingRun('r', 'Live'),
      nodes: {
        a: { state: 'done' as const, copies: [{ ...file('copies/1.png', '1'), output: 'o', count: 1 }] },
        b: { state: 'running' as const, files: [file('x.png', '1'), file('y.png', '2')] },
      },
    };
    expect(listLive([run]).map(({ name, isLive }) => [name, isLive])).toEqual([
      ['copies/1.png', true],
      ['y.png', true],
    ]);
  });
});
