import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clipTokenizer, loadClipTokenizer } from '../../../../nodes/ml/text/clipTokenizer.ts';
import { CLIP_VOCABULARY_SIZE, clipVocabulary } from '../../../../nodes/ml/text/clipVocabulary.ts';
import { fixText } from '../../../../nodes/ml/text/fixText.ts';
import { learnMerges } from '../../../../nodes/ml/text/learnMerges.ts';
import { readMerges, simpleTokenizer } from '../../../../nodes/ml/text/simpleTokenizer.ts';
import { diskFiles, goldenCase, goldenFolder, goldenRows } from '../../../support/golden.ts';
import { memoryFiles } from '../../../support/memoryFiles.ts';

describe('token ids of the reference', () => {
  it.each([
    ['tiny-sd-turbo', 'tokenizer', 'out.tokens.input_ids'],
    ['tiny-sd15', 'tokenizer', 'out.tokens.input_ids'],
    ['tiny-sdxl-turbo', 'tokenizer', 'out.tokens.input_ids'],
    ['tiny-sdxl-turbo', 'tokenizer_2', 'out.tokens.input_ids_2'],
  ])('%s/%s', async (family, folder, tensor) => {
    const tokenizer = await loadClipTokenizer(diskFiles, `${goldenFolder(family)}/${folder}`);
    const { prompts } = (await goldenCase(family)) as { prompts: string[] };
    expect(tokenizer.maxLength).toBe(77);
    expect(prompts.map((prompt) => tokenizer.encode(prompt, 77))).toEqual(await goldenRows(family, tensor));
  });

  it('tiny-sd-turbo/simple_tokenizer', async () => {
    const path = `${goldenFolder('tiny-sd-turbo')}/simple_tokenizer/bpe_vocab.txt.gz`;
    const tokenizer = simpleTokenizer(readMerges(await diskFiles.read(path), path));
    const { prompts } = (await goldenCase('tiny-sd-turbo')) as { prompts: string[] };
    expect(prompts.map((prompt) => tokenizer.encode(prompt, 77))).toEqual(
      await goldenRows('tiny-sd-turbo', 'out.tokens.simple_ids'),
    );
  });
});

describe('the published vocabulary', () => {
  it('gives the token ids of transformers', async () => {
    const published = await clipVocabulary();
    expect(Object.keys(published.vocab)).toHaveLength(CLIP_VOCABULARY_SIZE);
    const tokenizer = clipTokenizer(published, {}, 'published');
    const cases = JSON.parse(await readFile(`${goldenFolder('clip-vocabulary')}/case.json`, 'utf8')) as {
      text: string;
      ids: number[];
    }[];
    expect(cases.length).toBeGreaterThan(10);
    for (const { text, ids } of cases)
      expect([text, ...tokenizer.encode(text, 77)]).toEqual([text, ...ids, ...new Array(77 - ids.length).fill(49407)]);
  });
});

const vocabulary = learnMerges(['red', 'circle', 'above', 'a', 'square']);

describe('clipTokenizer', () => {
  const tokenizer = clipTokenizer(vocabulary, {}, 'test');
  const start = vocabulary.vocab['<|startoftext|>'] as number;
  const end = vocabulary.vocab['<|endoftext|>'] as number;

  it('gives start, words, end and padding at any length', () => {
    const id = (word: string) => vocabulary.vocab[`${word}</w>`];
    expect(tokenizer.encode('A red  Circle', 8)).toEqual([start, id('a'), id('red'), id('circle'), end, end, end, end]);
    expect(tokenizer.encode('a red circle', 4)).toEqual([start, id('a'), id('red'), end]);
    expect(tokenizer.encode('a red circle', 2)).toEqual([start, end]);
    expect(tokenizer.maxLength).toBe(Number.POSITIVE_INFINITY);
  });

  it('spells any text with tokens of its vocabulary', () => {
    const length = 30;
    const size = Object.keys(vocabulary.vocab).length;
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 20 }), (text) => {
        const ids = tokenizer.encode(text, length);
        expect(ids).toHaveLength(length);
        expect(ids[0]).toBe(start);
        expect(ids).toContain(end);
        expect(ids.every((id) => Number.isInteger(id) && id >= 0 && id < size)).toBe(true);
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  it('refuses a vocabulary without its special tokens', () => {
    expect(() => clipTokenizer({ vocab: { a: 0 }, merges: [] }, {}, 'models/x')).toThrow(
      '"models/x" holds no usable tokenizer: its vocabulary lacks the bos token "<|startoftext|>".',
    );
  });
});

describe('loadClipTokenizer', () => {
  const merges = ['#version: 0.2', ...vocabulary.merges, ''].join('\n');

  it('reads tokenizer.json as well as vocab.json with merges.txt', async () => {
    const model = { type: 'BPE', vocab: vocabulary.vocab, merges: vocabulary.merges.map((pair) => pair.split(' ')) };
    const files = memoryFiles({
      'a/vocab.json': JSON.stringify(vocabulary.vocab),
      'a/merges.txt': merges,
      'b/tokenizer.json': JSON.stringify({ model }),
    });
    const [a, b] = [await loadClipTokenizer(files, 'a'), await loadClipTokenizer(files, 'b')];
    expect(a.encode('a red square, 12 ünder', 20)).toEqual(b.encode('a red square, 12 ünder', 20));
  });

  it('says what it looked for and what it found', async () => {
    const files = memoryFiles({ 'a/readme.md': 'x', 'b/vocab.json': '[1', 'b/merges.txt': merges });
    await expect(loadClipTokenizer(files, 'a')).rejects.toThrow(
      '"a" has no tokenizer: looked for vocab.json with merges.txt, and for tokenizer.json; it holds readme.md.',
    );
    await expect(loadClipTokenizer(files, 'c')).rejects.toThrow('there is no such folder');
    await expect(loadClipTokenizer(files, 'b')).rejects.toThrow('"b/vocab.json" is not valid JSON');
  });
});

describe('fixText', () => {
  it('straightens quotes, widths, ligatures, entities and line ends', () => {
    expect(fixText('“Ａ” ‘ﬁne’ &amp;lt;b&gt; &#233;&#xe9;\r\n&nosuch; x\u0000')).toBe(
      '"A" \'fine\' <b> éé\n&nosuch; x',
    );
  });
});
