import { expect, it } from 'vitest';
import type { Model } from '../../../electron/host/ipc.ts';
import { makeSubgraph } from '../../../graphs/edit/subgraphs.ts';
import { findMissingModels } from '../../../renderer/panels/missingModels.ts';
import { graph, library, node } from '../../graphs/example.ts';

const model = [...library.values()].find(({ params }) => Object.values(params).some(({ kind }) => kind === 'model'))!;
const [param] = Object.entries(model.params).find(([, { kind }]) => kind === 'model')!;
const load = (name: string) => node(model.type.slice('test/'.length), { [param]: name });
const here = (name: string) => ({ name, from: 'pulled', path: `/models/${name}` }) as unknown as Model;

it('names each hub model that is not here once, from subgraphs as well, and no paths', () => {
  const flat = graph({
    a: load('org/one'),
    b: load('org/two'),
    c: load('org/two'),
    d: load('/models/org/three'),
    e: load('mean'),
    n: node('text', { text: 'org/four' }),
  });
  const { document } = makeSubgraph(flat, library, ['b'], 'Inner');
  expect(findMissingModels(document, library, [here('org/one')])).toEqual(['org/two']);
  expect(findMissingModels(document, library, [])).toEqual(['org/one', 'org/two']);
});
