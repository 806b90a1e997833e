import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dynamicPrompt } from '../../../nodes/input/dynamicPrompt.ts';
import { randomStream } from '../../../nodes/ml/random.ts';
import { expandTemplate } from '../../../nodes/ml/text/expandTemplate.ts';
import { memoryFiles } from '../../support/memoryFiles.ts';
import { nodeContext } from '../../support/nodeContext.ts';

const expand = (text: string, seed = 0) => expandTemplate(text, new Map(), randomStream(seed));
const drawn = (text: string, seeds = 200) => new Set(Array.from({ length: seeds }, (_, seed) => expand(text, seed)));

describe('choices in a prompt', () => {
  it('take every option for some seed, and the same for the same seed', () => {
    expect(drawn('a {red|green} {dog|cat|{big|small} fox}')).toEqual(
      new Set(['red', 'green'].flatMap((c) => ['dog', 'cat', 'big fox', 'small fox'].map((x) => `a ${c} ${x}`))),
    );
    expect(expand('{a|b|c|d|e}', 7)).toBe(expand('{a|b|c|d|e}', 7));
  });

  it('weigh their options', () => {
    const often = Array.from({ length: 400 }, (_, seed) => expand('{9::a|b}', seed)).filter((each) => each === 'a');
    expect(often.length).toBeGreaterThan(320);
    expect(often.length).toBeLessThan(395);
    expect(drawn('{0::a|b}')).toEqual(new Set(['b']));
  });

  it('take several, each once, with what is to stand between', () => {
    expect(drawn('{2$$a|b}')).toEqual(new Set(['a, b', 'b, a']));
    expect(drawn('{1-2$$ and $$a|b}')).toEqual(new Set(['a', 'b', 'a and b', 'b and a']));
    expect(drawn('{9$$a|b}')).toEqual(new Set(['a, b', 'b, a']));
  });

  it('are letters where they are escaped or open', () => {
    expect(expand('\\{a\\|b\\} {c d} e|f { g } h} {i')).toBe('{a|b} c d e|f  g  h} {i');
  });

  it('leave a text without signs as it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'ab ,.()[]:1'.split('')) }), (text) => {
        expect(expand(text)).toBe(text);
      }),
      { seed: 3, numRuns: 200 },
    );
  });

  it('end, whatever they are made of', () => {
    const loop = new Map([['a', ['__a__ __a__']]]);
    expect(() => expandTemplate('__a__', loop, randomStream(0))).toThrow('does a wildcard lead to itself?');
    const wide = new Map([['a', ['{x|y}'.repeat(30)]]]);
    expect(() => expandTemplate('__a__ '.repeat(1000), wide, randomStream(0))).toThrow('more than 10000 choices');
    expect(() => expand('{'.repeat(200) + '}'.repeat(200))).toThrow('deep in each other');
    const long = new Map([['a', ['x'.repeat(1000)]]]);
    expect(() => expandTemplate('__a__'.repeat(101), long, randomStream(0))).toThrow('more than 100000 letters');
  });
});

describe('Dynamic prompt', () => {
  const files = memoryFiles({
    'wildcards/animal.txt': '# of the house\ndog\n\n  cat  \n',
    'wildcards/more/colour.txt': '{red|green} __animal__',
    'wildcards/empty.txt': '#\n',
  });
  async function run(text: string, seed = 0, wildcards = 'wildcards') {
    const { context, remarks } = nodeContext({ files });
    const { prompt } = await dynamicPrompt.run({}, { text, seed, wildcards }, context);
    return { prompt, remarks };
  }

  it('draws lines of files, which may have choices themselves, and writes down what it drew', async () => {
    const prompts = new Set<string>();
    for (let seed = 0; seed < 60; seed++) {
      const { prompt, remarks } = await run('a __more/colour__', seed);
      expect(remarks).toEqual([`Seed ${seed} drew: ${prompt}`]);
      prompts.add(prompt as string);
    }
    expect(prompts).toEqual(new Set(['a red dog', 'a red cat', 'a green dog', 'a green cat']));
  });

  it('needs no folder where it names none, and then reads none', async () => {
    expect(await run('a dog', 0, 'nowhere')).toEqual({ prompt: 'a dog', remarks: [] });
    expect(dynamicPrompt.files?.({ text: 'a {b|c}', seed: 0, wildcards: 'w' })).toEqual([]);
    expect(dynamicPrompt.files?.({ text: 'a __b__', seed: 0, wildcards: 'w' })).toEqual(['w']);
  });

  it.each([
    ['__fox__', /There is no wildcard "fox": looked for "fox".txt in "wildcards"; it holds animal.txt/],
    ['__../secret__', /There is no wildcard/],
    ['__empty__', /There is no option for the wildcard/],
  ])('refuses %s in a sentence', async (text, sentence) => {
    await expect(run(text)).rejects.toThrow(sentence);
  });
});
