import { beforeAll, describe, expect, it } from 'vitest';
import { devices } from '../../electron/devices/devices.ts';
import { emptyDocument, type GraphNode, type Wire } from '../../graphs/document/document.ts';
import { createEngine, prepareRun } from '../../graphs/engine/engine.ts';
import { defineNode, libraryOf } from '../../nodes/defineNode.ts';
import { isFileName } from '../../nodes/files.ts';
import { library } from '../../nodes/index.ts';
import { promptList } from '../../nodes/input/promptList.ts';
import { text } from '../../nodes/input/text.ts';
import { openDevice } from '../../nodes/ml/device.ts';
import * as tf from '../../nodes/ml/tf.ts';
import { saveImages } from '../../nodes/output/saveImages.ts';
import { describeAllowed } from '../../nodes/params.ts';
import { graphOf } from '../support/gatedLibrary.ts';
import { memoryFiles } from '../support/memoryFiles.ts';

beforeAll(async () => {
  await openDevice('cpu', devices);
});

const bad = {
  'a drive or stream': ['a:b', 'C:x', 'a::$DATA'],
  'a device': ['con', 'CON', 'nul.txt', 'Aux', 'com1', 'lpt9.x', 'a/prn', 'conin$', ' con'],
  'too long': ['x'.repeat(300), '花'.repeat(61), `a/${'y'.repeat(179)}`],
  'an unknown placeholder': ['{unknown}', '{Number}', 'a{', '}', '{}', '{{number}}', '{prompt'],
  'an end that Windows drops': ['a.', 'a ', 'a./b', 'a /b', '...'],
  'a control letter': ['a\nb', 'a\tb', '\x1b[2J', 'a\x7f', 'a\u0085', 'a\0'],
  'a letter that cannot be seen': ['a\u202eb', '\ufeffa', 'a\u2028', '\u2066x', '\ud800'],
  'a way out of the folder': ['../a', '/a', 'a//b', 'a/', '..', '.', 'a/../b', 'a\\b', '\\\\server\\x'],
  'a hidden file': ['.a', 'a/.b', '.png'],
  'a letter that Windows refuses': ['a?', 'a*', 'a|b', '<a>', 'a"b'],
  nothing: [''],
};
const good = [
  'a',
  'image-{number}',
  '{seed}/{prompt}',
  'a.png',
  'run 1',
  '花',
  'می\u200cخواهم',
  'console',
  'com10',
  '{name}.x',
];
const placeholders = ['number', 'seed', 'prompt', 'name'];

describe('the names of files that nodes write', () => {
  it.each(Object.entries(bad))('cannot be %s', (_, names) => {
    for (const name of names) expect(isFileName(name, placeholders), JSON.stringify(name)).toBe(false);
  });

  it.each(good)('can be %j', (name) => {
    expect(isFileName(name, placeholders)).toBe(true);
  });

  it('are checked in every node that takes one, before anything runs', () => {
    const nodes = [...library.values()].filter(({ type, params }) => type.startsWith('output/') && params.name);
    expect(nodes.length).toBeGreaterThan(7);
    for (const { type, version, params } of nodes) {
      expect(params.name!.kind, type).toBe('file-name');
      for (const name of Object.values(bad).flat()) {
        const node = { type, version, params: { name }, inputs: {}, position: [0, 0] as const };
        const { problems } = prepareRun({ ...emptyDocument('x'), nodes: { save: node } }, {}, library);
        expect(problems).toContainEqual(
          expect.objectContaining({ code: 'BAD_PARAM', at: { node: 'save', param: 'name' } }),
        );
      }
    }
  });

  it('are checked before an image is drawn where a wire brings them, also as one of many', async () => {
    let drawn = 0;
    const draw = defineNode({
      type: 'test/draw',
      version: 1,
      title: 'Draw',
      summary: 'Counts.',
      inputs: {},
      params: {},
      outputs: { images: 'images' },
      run() {
        drawn++;
        return { images: { pixels: tf.zeros<tf.Rank.R4>([1, 2, 2, 3]), labels: [{}] } };
      },
    });
    const engine = createEngine({
      library: libraryOf([draw, text, promptList, saveImages]),
      device: { name: 'cpu', description: 'of a test', memory: {} },
      files: memoryFiles({}),
      cacheBudget: 0,
    });
    const run = async (source: Partial<GraphNode>, output: string) => {
      const problems: unknown[] = [];
      const name: Wire = ['source', output];
      const nodes = {
        draw: { type: 'test/draw' },
        source,
        save: { type: 'output/save-images', inputs: { images: [['draw', 'images'] satisfies Wire], name: [name] } },
      };
      await engine.run(graphOf('x', nodes), {}, (event) => event.type === 'problem' && problems.push(event.problem));
      return problems;
    };
    const refused = [expect.objectContaining({ code: 'BAD_PARAM', at: { node: 'save', param: 'name' } })];
    for (const name of ['a:b', 'con', 'x'.repeat(300)])
      expect(await run({ type: 'input/text', params: { text: name } }, 'text')).toEqual(refused);
    const names = { type: 'input/prompt-list', params: { prompts: 'good\nalso good\ncon' } };
    expect(await run(names, 'prompts')).toEqual(refused);
    expect(drawn).toBe(0);
    expect(await run({ type: 'input/text', params: { text: 'good' } }, 'text')).toEqual([]);
    expect(drawn).toBe(1);
  });

  it('are described with what may stand in them', () => {
    expect(describeAllowed(library.get('output/save-images')!.params.name!)).toContain(
      '{number}, {seed}, {prompt}, {name}',
    );
  });
});
