import { beforeAll, describe, expect, it } from 'vitest';
import { loadGpt2 } from '../../../../../nodes/ml/models/load/loadGpt2.ts';
import { randomStream } from '../../../../../nodes/ml/random.ts';
import * as tf from '../../../../../nodes/ml/tf.ts';
import { openCheckpoint } from '../../../../../nodes/ml/weights/openCheckpoint.ts';
import { writeSafetensors } from '../../../../../nodes/ml/weights/writeSafetensors.ts';
import { expectClose } from '../../../../support/closeness.ts';
import { guardLeaks, openTestDevice } from '../../../../support/devices.ts';
import { diskFiles, goldenCase, goldenFolder, goldenRows } from '../../../../support/golden.ts';
import { memoryFiles } from '../../../../support/memoryFiles.ts';
import { mutateBytes, mutateJson } from '../../../../support/mutate.ts';
import type { Tensors } from '../../../../support/tinyModels.ts';

beforeAll(async () => {
  await openTestDevice();
});
guardLeaks();

const folder = goldenFolder('tiny-gpt2');
const textOf = async (name: string) => new TextDecoder().decode(await diskFiles.read(`${folder}/${name}`));
const jsonOf = async (name: string) => JSON.parse(await textOf(name));

/** The golden folder in memory, with some files changed or, where undefined, left out. */
async function changed(changes: Readonly<Record<string, Uint8Array | string | undefined>>) {
  const names = ['config.json', 'vocab.json', 'merges.txt', 'tokenizer.json', 'model.safetensors'];
  const contents = await Promise.all(
    names.map(async (name) => [`gpt/${name}`, await diskFiles.read(`${folder}/${name}`)] as const),
  );
  const own = Object.entries(changes).map(([name, content]) => [`gpt/${name}`, content] as const);
  const all = Object.entries(Object.fromEntries([...contents, ...own])).filter(([, content]) => content !== undefined);
  return memoryFiles(Object.fromEntries(all) as Record<string, Uint8Array | string>);
}
const loadChanged = async (changes: Parameters<typeof changed>[0]) => loadGpt2(await changed(changes), 'gpt');

describe('loadGpt2', () => {
  it('spells odd texts as the official tokenizer, and reads them back', async () => {
    const { tokenizer, dispose } = await loadGpt2(diskFiles, folder);
    dispose();
    const { texts, decoded, broken_ids, broken_texts } = (await goldenCase('tiny-gpt2')) as {
      texts: string[];
      decoded: string[];
      broken_ids: number[][];
      broken_texts: string[];
    };
    const rows = (await goldenRows('tiny-gpt2', 'out.tokens.input_ids')).map((row) => row.filter((id) => id !== -1));
    expect(texts.map(tokenizer.encode)).toEqual(rows);
    expect(rows.map(tokenizer.decode)).toEqual(decoded);
    expect(broken_ids.map(tokenizer.decode)).toEqual(broken_texts);
  });

  it('reads the names of GPT2Model, ignores buffers and a second head, and takes a file for its folder', async () => {
    const file = await openCheckpoint(diskFiles, `${folder}/model.safetensors`);
    const tensors: Tensors = new Map();
    for (const name of file.names())
      tensors.set(name.replace('transformer.', ''), {
        dtype: 'F32',
        shape: file.entry(name).shape,
        values: (await file.read(name)) as Float32Array,
      });
    const ones = { dtype: 'F32', shape: [1, 1, 48, 48], values: new Float32Array(48 * 48).fill(1) } as const;
    tensors.set('h.0.attn.bias', ones).set('lm_head.weight', tensors.get('wte.weight')!);
    const plain = await changed({ 'model.safetensors': writeSafetensors(tensors), 'tokenizer.json': undefined });
    const models = [await loadGpt2(diskFiles, folder), await loadGpt2(plain, 'gpt/model.safetensors')] as const;
    await expectClose(() => {
      const [a, b] = models.map(({ tokenizer, read, logits }) => logits(read(tokenizer.encode('a red dog')).states));
      return [[a!, b!, 1e-6]];
    });
    expect(models[0].bytes).toBe(models[1].bytes);
    expect(models[0].name).toBe('tiny-gpt2');
    for (const model of models) model.dispose();
  });

  it('reads a tokenizer.json alone as well as vocab.json with merges.txt', async () => {
    const text = 'a photo of a castle, 8k\n東京';
    const models = await Promise.all(
      [{ 'vocab.json': undefined, 'merges.txt': undefined }, { 'tokenizer.json': undefined }].map(async (changes) =>
        loadGpt2(await changed(changes), 'gpt'),
      ),
    );
    const [a, b] = models.map(({ tokenizer }) => tokenizer.encode(text));
    expect(a).toEqual(b);
    for (const model of models) model.dispose();
  });

  it('knows no added token that has no place in the model', async () => {
    const whole = await jsonOf('tokenizer.json');
    const added_tokens = [...whole.added_tokens, { id: 320, content: '[PAD]', special: true }];
    const model = await loadChanged({ 'tokenizer.json': JSON.stringify({ ...whole, added_tokens }) });
    expect(model.tokenizer.decode(model.tokenizer.encode('[PAD]'))).toBe('[PAD]');
    model.dispose();
  });

  it('says what was expected and what was found', async () => {
    const config = await jsonOf('config.json');
    const configured = (changes: object) => loadChanged({ 'config.json': JSON.stringify({ ...config, ...changes }) });
    await expect(loadChanged({ 'config.json': undefined })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(loadChanged({ 'config.json': '{"model_type": "gpt2"' })).rejects.toMatchObject({ code: 'BAD_CONFIG' });
    await expect(loadChanged({ 'model.safetensors': undefined })).rejects.toThrow('"gpt" has no weights');
    await expect(configured({ model_type: 'opt' })).rejects.toMatchObject({ code: 'UNSUPPORTED' });
    await expect(configured({ n_head: 3 })).rejects.toMatchObject({ code: 'BAD_CONFIG' });
    await expect(configured({ n_layer: 3 })).rejects.toThrow(
      /does not fit the GPT-2 that its config describes: 12 of 40 tensors are missing \(h\.2\.ln_1\.weight, /,
    );
    await expect(configured({ n_embd: 64 })).rejects.toThrow('wte.weight is [320, 32] instead of [320, 64]');
    await expect(loadGpt2(diskFiles, goldenFolder('clip-hf/clip'))).rejects.toThrow('"model_type": "clip"');
    await expect(loadGpt2(diskFiles, folder, { freeBytes: () => 1000 })).rejects.toMatchObject({
      code: 'NOT_ENOUGH_MEMORY',
    });
    await expect(loadGpt2(diskFiles, folder, { signal: AbortSignal.abort() })).rejects.toThrow('aborted');
  });

  it('refuses a folder without its tokenizer, and one with that of another model', async () => {
    const { vocab, merges } = (await jsonOf('tokenizer.json')).model;
    const whole = await jsonOf('tokenizer.json');
    const listed = (changes: object) => loadChanged({ 'tokenizer.json': JSON.stringify({ ...whole, ...changes }) });
    await expect(loadChanged({ 'merges.txt': undefined, 'tokenizer.json': undefined })).rejects.toMatchObject({
      code: 'NO_TOKENIZER',
      message: expect.stringContaining('it holds config.json, model.safetensors, vocab.json'),
    });
    await expect(loadChanged({ 'vocab.json': JSON.stringify({ ...vocab, more: 320 }) })).rejects.toThrow(
      'its token "more" is number 320, and the model knows 320',
    );
    await expect(loadChanged({ 'vocab.json': JSON.stringify({ ...vocab, a: 'x' }) })).rejects.toMatchObject({
      code: 'BAD_TOKENIZER',
      message: expect.not.stringContaining('CLIP'),
    });
    await expect(loadChanged({ 'merges.txt': '#version: 0.2\nx y\n' })).rejects.toThrow(
      'lacks what the merge "x y" makes',
    );
    await expect(listed({ pre_tokenizer: { type: 'Metaspace' } })).rejects.toThrow('"Metaspace"');
    await expect(listed({ normalizer: { type: 'Lowercase' } })).rejects.toThrow('not as GPT-2 does');
    await expect(listed({ added_tokens: [null] })).rejects.toThrow('lists an added token null');
    await expect(
      loadChanged({
        'vocab.json': undefined,
        'tokenizer.json': JSON.stringify({ model: { type: 'WordPiece', vocab, merges } }),
      }),
    ).rejects.toMatchObject({ code: 'BAD_TOKENIZER' });
  });

  it('loads spoiled configs and vocabularies, or refuses them with a clear error', async () => {
    const random = randomStream(1);
    const texts = await Promise.all(
      ['config.json', 'vocab.json', 'merges.txt', 'tokenizer.json'].map(
        async (name) => [name, await textOf(name)] as const,
      ),
    );
    let [loaded, refused] = [0, 0];
    for (let i = 0; i < 200; i++) {
      const [name, text] = texts[i % texts.length]!;
      const asJson = name.endsWith('.json') && random.integer(2) === 0;
      const spoiled = asJson ? mutateJson(text, random) : mutateBytes(new TextEncoder().encode(text), random);
      const alone = name === 'tokenizer.json' ? { 'vocab.json': undefined } : {};
      try {
        const model = await loadChanged({ ...alone, [name]: spoiled });
        try {
          const ids = model.tokenizer.encode('a red dog<|endoftext|>');
          expect(model.tokenizer.decode(ids)).toBeTypeOf('string');
          tf.tidy(() => void model.logits(model.read(ids).states));
        } finally {
          model.dispose();
        }
        loaded++;
      } catch (error) {
        expect(error, `${name}, case ${i}`).toMatchObject({
          name: 'UserError',
          code: expect.stringMatching(/^[A-Z_]+$/),
        });
        refused++;
      }
    }
    expect(loaded).toBeGreaterThan(20);
    expect(refused).toBeGreaterThan(20);
  });
});
