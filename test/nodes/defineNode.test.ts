import { describe, expect, expectTypeOf, it } from 'vitest';
import { describeNode } from '../../nodes/card.ts';
import { defineNode, libraryOf, list, many, type NodeContext, one, optional } from '../../nodes/defineNode.ts';
import { library } from '../../nodes/index.ts';
import { number as numberNode } from '../../nodes/input/number.ts';
import { promptList } from '../../nodes/input/promptList.ts';
import { text as textNode } from '../../nodes/input/text.ts';
import {
  allows,
  boolean,
  choice,
  describeAllowed,
  file,
  formatParam,
  integer,
  model,
  number,
  parseParam,
  seed,
  text,
} from '../../nodes/params.ts';
import type { Condition, Images, Reward } from '../../nodes/ports.ts';

const declaration = {
  version: 1,
  title: 'Example',
  summary: 'An example.',
} as const;

const context = {} as NodeContext;

const params = {
  steps: integer({ initial: 20, min: 1, max: 100, unit: 'steps', help: 'How many.' }),
  scale: number({ initial: 7.5, min: 0, max: 30, help: 'How strong.' }),
  scheduler: choice({ initial: 'euler', options: ['euler', 'ddim'], help: 'Which.' }),
  tiled: boolean({ initial: false, help: 'Whether.' }),
  seed: seed({ initial: 0, help: 'Where randomness comes from.' }),
  note: text({ initial: '', help: 'Anything.' }),
  model: model({ takes: 'generator', initial: 'builtin:tiny', help: 'Which model.' }),
  image: file({ initial: '', accept: ['png', 'jpg'], folder: true, help: 'Which image.' }),
};

describe('the types of run follow from the declaration', () => {
  it('gives inputs and params their types', () => {
    defineNode({
      ...declaration,
      type: 'test/typed',
      inputs: { prompt: one('text'), rewards: many('reward'), control: optional('condition') },
      params,
      outputs: { images: 'images', prompts: list('text') },
      run(inputs, values) {
        expectTypeOf(inputs.prompt).toEqualTypeOf<string>();
        expectTypeOf(inputs.rewards).toEqualTypeOf<readonly Reward[]>();
        expectTypeOf(inputs.control).toEqualTypeOf<Condition | undefined>();
        expectTypeOf(values.steps).toEqualTypeOf<number>();
        expectTypeOf(values.scale).toEqualTypeOf<number>();
        expectTypeOf(values.scheduler).toEqualTypeOf<'euler' | 'ddim'>();
        expectTypeOf(values.tiled).toEqualTypeOf<boolean>();
        expectTypeOf(values.seed).toEqualTypeOf<number>();
        expectTypeOf(values.note).toEqualTypeOf<string>();
        expectTypeOf(values.model).toEqualTypeOf<string>();
        // @ts-expect-error there is no such input
        inputs.nothing;
        // @ts-expect-error there is no such param
        values.nothing;
        return { images: {} as Images, prompts: ['a'] };
      },
    });
  });

  it('refuses results that the declaration does not promise', () => {
    const typed = { ...declaration, type: 'test/typed', inputs: { prompt: one('text') }, params: {} } as const;
    defineNode({
      ...typed,
      outputs: { images: 'images' },
      // @ts-expect-error a text where images are declared
      run: ({ prompt }) => ({ images: prompt }),
    });
    defineNode({
      ...typed,
      outputs: { images: 'images' },
      // @ts-expect-error a text where images are declared, later
      run: async ({ prompt }) => ({ images: prompt }),
    });
    defineNode({
      ...typed,
      outputs: { images: 'images', text: 'text' },
      // @ts-expect-error an output is missing
      run: ({ prompt }) => ({ text: prompt }),
    });
    defineNode({
      ...typed,
      outputs: { texts: list('text') },
      // @ts-expect-error one value where a list is declared
      run: ({ prompt }) => ({ texts: prompt }),
    });
    defineNode({
      ...typed,
      // @ts-expect-error there is no such type of wire
      outputs: { images: 'image' },
      run: () => ({ images: '' }),
    });
    // @ts-expect-error an initial value that is no option
    choice({ initial: 'heun', options: ['euler', 'ddim'], help: 'Which.' });
  });

  it('keeps the types for callers of run', () => {
    expectTypeOf(textNode.run({}, { text: 'a' }, context)).toEqualTypeOf<
      { readonly text: string } | Promise<{ readonly text: string }>
    >();
    // @ts-expect-error text is no number
    textNode.run({}, { text: 1 }, context);
  });
});

describe('defineNode', () => {
  const node = (changes: object) => () =>
    defineNode({
      ...declaration,
      type: 'test/example',
      inputs: {},
      params: {},
      outputs: {},
      run: () => undefined,
      ...changes,
    });

  it('refuses a declaration that contradicts itself', () => {
    expect(node({})).not.toThrow();
    expect(node({ type: 'Example' })).toThrow('Node Example: the type is not of the form group/some-name.');
    expect(node({ version: 0 })).toThrow('version 0');
    expect(node({ version: 2 })).toThrow('no upgrade from version 1');
    expect(node({ version: 2, upgrades: { 1: (old: object) => old } })).not.toThrow();
    expect(node({ upgrades: { 1: (old: object) => old } })).toThrow('past 0');
    expect(node({ outputs: { 'an image': 'images' } })).toThrow('"an image" is not a camelCase name');
    expect(node({ inputs: { steps: one('number') }, params })).toThrow('"steps" is both an input and a param');
    expect(node({ params: { steps: integer({ initial: 0, min: 1, max: 2, help: '' }) } })).toThrow(
      'initial value of "steps"',
    );
  });

  it('describes a node as plain JSON', () => {
    const card = describeNode(promptList);
    expect(card.outputs).toEqual({ prompts: { type: 'text', list: true } });
    expect(JSON.parse(JSON.stringify(card))).toEqual(card);
    expect(Object.keys(card)).not.toContain('run');
  });

  it('makes a library of one node per type', () => {
    expect([...library.keys()]).toEqual([...new Set(library.keys())]);
    expect(() => libraryOf([textNode, numberNode, textNode])).toThrow('same type');
  });
});

describe('params', () => {
  it('says what each kind allows', () => {
    expect(Object.values(params).map(describeAllowed)).toEqual([
      'a whole number from 1 to 100 steps',
      'a number from 0 to 30',
      'one of "euler", "ddim"',
      'true or false',
      'a whole number from 0 to 9007199254740991',
      'text of at most 1000000 letters',
      'a model: builtin:NAME, a folder, a checkpoint file, or a hub name owner/name',
      'the path of a png, jpg file or of a folder of them',
    ]);
  });

  it.each([
    ['steps', [1, 100], [0, 101, 1.5, '20', Number.NaN, null]],
    ['scale', [0, 7.25, 30], [-0.1, 30.1, Number.POSITIVE_INFINITY, Number.NaN, '7']],
    ['scheduler', ['ddim'], ['heun', 1, undefined]],
    ['tiled', [true, false], [0, 'true']],
    ['seed', [0, 2 ** 53 - 1], [-1, 2 ** 53, 0.5]],
    ['note', ['', 'a'], [1, null]],
    ['model', ['owner/name'], ['', 'a\0b', 1]],
    ['image', ['a.png'], ['', 2]],
  ] as const)('%s allows what it should, and nothing else', (name, good, bad) => {
    for (const value of good) expect(allows(params[name], value), String(value)).toBe(true);
    for (const value of bad) expect(allows(params[name], value), String(value)).toBe(false);
  });

  it('reads what someone typed by the kind of the param', () => {
    expect(parseParam(params.steps, '20')).toBe(20);
    expect(parseParam(params.scale, ' 2.5e1 ')).toBe(25);
    expect(parseParam(params.steps, 'many')).toBe('many');
    expect(parseParam(params.steps, '')).toBe('');
    expect(parseParam(params.tiled, 'Yes')).toBe(true);
    expect(parseParam(params.tiled, 'off')).toBe(false);
    expect(parseParam(params.tiled, 'perhaps')).toBe('perhaps');
    expect(parseParam(params.tiled, 'constructor')).toBe('constructor');
    expect(parseParam(params.note, '20')).toBe('20');
  });

  it('reads and shows words for the numbers that mean something of their own', () => {
    const steps = integer({ initial: 0, min: 0, max: 100, words: { model: 0 }, help: 'Steps.' });
    expect(describeAllowed(steps)).toBe('a whole number from 0 to 100, or "model", which is 0');
    expect(['model', ' model', '7', 'constructor'].map((typed) => parseParam(steps, typed))).toEqual([
      0,
      0,
      7,
      'constructor',
    ]);
    expect([0, 7, -1].map((value) => formatParam(steps, value))).toEqual(['model', '7', '-1']);
    expect(formatParam(params.note, 0)).toBe('0');
  });
});

describe('input nodes', () => {
  it('pass on what was typed', () => {
    expect(textNode.run({}, { text: 'a cat' }, context)).toEqual({ text: 'a cat' });
    expect(numberNode.run({}, { value: 3 }, context)).toEqual({ number: 3 });
    expect(promptList.run({}, { prompts: 'a cat\r\n\n  a dog \n' }, context)).toEqual({ prompts: ['a cat', 'a dog'] });
    expect(() => promptList.run({}, { prompts: ' \n' }, context)).toThrow('prompt list is empty');
  });
});
