import { beforeAll, describe, expect, it } from 'vitest';
import type { Files } from '../../../nodes/files.ts';
import { loadGenerator } from '../../../nodes/ml/models/load/loadGenerator.ts';
import { latentNoise } from '../../../nodes/ml/random.ts';
import { add, grad, mul, sum, type Tensor, type Tensor4D, tidy } from '../../../nodes/ml/tf.ts';
import { type StoredTensor, writeSafetensors } from '../../../nodes/ml/weights/writeSafetensors.ts';
import { loadLora } from '../../../nodes/model/loadLora.ts';
import { swapDecoder } from '../../../nodes/model/swapDecoder.ts';
import type { Generator } from '../../../nodes/ports.ts';
import { guardLeaks, openTestDevice } from '../../support/devices.ts';
import { drawnBy } from '../../support/imageOf.ts';
import { type LoraLayout, mergedFolder, type TinyLora, tinyLora } from '../../support/loraFile.ts';
import { memoryFiles } from '../../support/memoryFiles.ts';
import { nodeContext } from '../../support/nodeContext.ts';
import { type Kind, type Tensors, tinyModel } from '../../support/tinyModels.ts';

beforeAll(async () => void (await openTestDevice()));
guardLeaks();

const models = { sd1: tinyModel('sd1'), sd2: tinyModel('sd2'), sdxl: tinyModel('sdxl') };
const fileOf = ({ tensors, metadata }: TinyLora) => writeSafetensors(tensors, metadata);
const draw = (generator: Generator) => drawnBy(generator, { scheduler: 'model', prompt: 'a red dog' }).slice();
const below = (folder: string, files: Readonly<Record<string, Uint8Array | string>>) =>
  Object.fromEntries(Object.entries(files).map(([name, content]) => [`${folder}/${name}`, content]));
const diskOf = (kind: Kind, loras: Record<string, Uint8Array>) =>
  memoryFiles({ ...below('model', models[kind].files), ...loras });

/** A LoRA over a generator. */
async function lay(
  files: Files,
  generator: Generator,
  model: string,
  strength: number,
  { textStrength = strength, freeBytes }: { textStrength?: number; freeBytes?: () => number } = {},
): Promise<Generator> {
  const { context } = nodeContext({ files, ...(freeBytes && { freeBytes }) });
  const outputs = await loadLora.run({ generator }, { model, strength, textStrength }, context);
  return outputs.generator as Generator;
}

/** Loads a model and lays LoRAs over it one after the other, draws, and frees all. */
async function drawn(files: Files, loras: readonly (readonly [string, number])[], folder = 'model') {
  const chain = [await loadGenerator(files, folder)];
  try {
    for (const [path, strength] of loras) chain.push(await lay(files, chain.at(-1) as Generator, path, strength));
    return draw(chain.at(-1) as Generator);
  } finally {
    for (const each of chain.toReversed()) each.dispose();
  }
}

function largestDifference(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);
}

describe('a LoRA', () => {
  it.each<[Kind, LoraLayout]>([
    ['sd1', 'diffusers'], ['sd1', 'peft'], ['sd1', 'old'], ['sd1', 'kohya'], ['sd1', 'ldm'], ['sd1', 'loha'], ['sd1', 'lokr'],
    ['sd2', 'kohya'], ['sdxl', 'diffusers'], ['sdxl', 'kohya'], ['sdxl', 'ldm'],
  ])('draws as a %s model with its changes added to the weights: %s', async (kind, layout) => {
    const lora = tinyLora(models[kind], layout);
    const files = memoryFiles({
      ...below('model', models[kind].files),
      ...below('merged', mergedFolder(models[kind], [[lora, 0.7]])),
      'a.safetensors': fileOf(lora),
    });
    const plain = await drawn(files, []);
    const image = await drawn(files, [['a.safetensors', 0.7]]);
    expect(largestDifference(image, await drawn(files, [], 'merged'))).toBeLessThan(1e-4);
    expect(largestDifference(image, plain)).toBeGreaterThan(1e-2);
  }); // biome-ignore format: a table

  it('adds up with others, in any order', async () => {
    const layouts = ['kohya', 'loha', 'peft'] as const;
    const loras = layouts.map((layout, i) => [layout, tinyLora(models.sd1, layout, 20 + i)] as const);
    const files = memoryFiles({
      ...below('model', models.sd1.files),
      ...below(
        'merged',
        mergedFolder(
          models.sd1,
          loras.map(([, lora]) => [lora, 0.7]),
        ),
      ),
      ...Object.fromEntries(loras.map(([name, lora]) => [`${name}.safetensors`, fileOf(lora)])),
    });
    const chain = layouts.map((name) => [`${name}.safetensors`, 0.7] as const);
    const merged = await drawn(files, [], 'merged');
    expect(largestDifference(await drawn(files, chain), merged)).toBeLessThan(1e-4);
    expect(largestDifference(await drawn(files, chain.toReversed()), merged)).toBeLessThan(1e-4);
  });

  it('leaves its base as it is, shares it, and changes nothing at strength 0', async () => {
    const files = diskOf('sd1', { 'a.safetensors': fileOf(tinyLora(models.sd1, 'kohya')) });
    const base = await loadGenerator(files, 'model');
    const before = draw(base);
    const nothing = await lay(files, base, 'a.safetensors', 0);
    const whole = await lay(files, base, 'a.safetensors', 1);
    expect(draw(nothing)).toEqual(before);
    const changed = draw(whole);
    expect(changed).not.toEqual(before);
    expect(draw(base)).toEqual(before);
    const text = await lay(files, base, 'a.safetensors', 0, { textStrength: 1 });
    expect(draw(text)).not.toEqual(before);
    expect(draw(text)).not.toEqual(changed);
    expect(whole.uses).toEqual([base]);
    expect(nothing.bytes).toBe(0);
    for (const each of [whole, text, nothing]) each.dispose();
    expect(draw(base)).toEqual(before);
    base.dispose();
  });

  it('passes gradients to the noise', async () => {
    const files = diskOf('sd1', { 'a.safetensors': fileOf(tinyLora(models.sd1, 'kohya')) });
    const base = await loadGenerator(files, 'model');
    const generator = await lay(files, base, 'a.safetensors', 1);
    const shape = generator.latentShape(16, 16);
    const settings = { ...generator.defaults, steps: 1, guidanceScale: 1 };
    const loss = (latents: Tensor): Tensor => {
      const noise = { latents: latents as Tensor4D, seeds: [3] };
      const steps = generator.denoise({ noise, prompts: ['a dog'], negativePrompt: '', settings, conditions: [] });
      for (;;) {
        const { done, value } = steps.next();
        if (done) return sum(mul(value, value));
      }
    };
    const [derivative, difference] = tidy(() => {
      const [at, along] = [latentNoise([3], shape), latentNoise([4], shape)];
      const moved = (step: number) => loss(add(at, mul(along, step))).dataSync()[0]!;
      return [sum(mul(grad(loss)(at), along)).dataSync()[0]!, (moved(1e-2) - moved(-1e-2)) / 2e-2] as [number, number];
    });
    expect(Math.abs(derivative - difference)).toBeLessThan(2e-2 * Math.abs(difference));
    generator.dispose();
    base.dispose();
  });
});

describe('what is no LoRA for the model', () => {
  const kohya = tinyLora(models.sd1, 'kohya');
  const scalar: StoredTensor = { dtype: 'F32', shape: [], values: Float32Array.of(1) };
  const place = 'lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q';

  async function failure(tensors: Tensors, { kind = 'sd1' as Kind, metadata = {}, freeBytes = Infinity } = {}) {
    const files = diskOf(kind, { 'a.safetensors': writeSafetensors(tensors, metadata) });
    const base = await loadGenerator(files, 'model');
    try {
      return await lay(files, base, 'a.safetensors', 1, { freeBytes: () => freeBytes }).then(
        (generator) => generator.dispose(),
        (error: unknown) => error,
      );
    } finally {
      base.dispose();
    }
  }

  it.each([
    [`${place}.dora_scale`, /DoRA/],
    [`${place}.lora_mid.weight`, /Tucker/],
    [`${place}.hada_t1`, /Tucker/],
    [`${place}.lokr_t2`, /Tucker/],
    [`${place}.diff`, /whole differences/],
    [`${place}.oft_blocks`, /OFT/],
    [`${place}.a1.weight`, /GLoRA/],
    ['unet.mid_block.attentions.0.proj_in.lora_B.bias', /biases/],
  ])('is refused by name: %s', async (name, message) => {
    expect(await failure(new Map([...kohya.tensors, [name, scalar]]))).toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringMatching(message),
    });
  });

  it('is a LoRA of another family, which says what was found and what fits', async () => {
    const xl = tinyLora(models.sdxl, 'kohya').tensors;
    expect(await failure(xl)).toMatchObject({
      code: 'DOES_NOT_FIT',
      message: expect.stringMatching(/for text features 128 wide.*takes text features 64 wide/),
    });
    expect(await failure(kohya.tensors, { kind: 'sdxl' })).toMatchObject({ code: 'DOES_NOT_FIT' });
    const flux: Tensors = new Map([
      ['lora_unet_double_blocks_0_img_attn_qkv.lora_down.weight', { ...scalar, shape: [1, 1] }],
    ]);
    expect(await failure(flux)).toMatchObject({
      code: 'DOES_NOT_FIT',
      message: expect.stringMatching(/double_blocks/),
    });
  });

  it.each(['lora_unet_nowhere.lora_down.weight', 'something.else'])('holds what nobody knows: %s', async (name) => {
    expect(await failure(new Map([...kohya.tensors, [name, scalar]]))).toMatchObject({
      code: 'UNKNOWN_WEIGHTS',
      message: expect.stringContaining(name),
    });
  });

  it('lacks a factor, or has an alpha that is no number', async () => {
    const half = new Map([...kohya.tensors].filter(([name]) => name !== `${place}.lora_up.weight`));
    expect(await failure(half)).toMatchObject({
      code: 'BAD_CHECKPOINT',
      message: expect.stringMatching(/attn1\.to_q.*down/),
    });
    const empty = { ...scalar, shape: [0, 64], values: new Float32Array() };
    const none: Tensors = new Map([
      [`${place}.lora_down.weight`, empty],
      [`${place}.lora_up.weight`, { ...empty, shape: [64, 0] }],
    ]);
    expect(await failure(none)).toMatchObject({ code: 'DOES_NOT_FIT', message: expect.stringContaining('[0, 64]') });
    const nan = { ...scalar, values: Float32Array.of(Number.NaN) };
    expect(await failure(new Map([...kohya.tensors, [`${place}.alpha`, nan]]))).toMatchObject({
      code: 'BAD_CHECKPOINT',
    });
    const peft = tinyLora(models.sd1, 'peft').tensors;
    const metadata = { lora_adapter_metadata: '{"unet.lora_alpha": "much"}' };
    expect(await failure(peft, { metadata })).toMatchObject({ code: 'BAD_CHECKPOINT' });
  });

  it('needs more memory than there is, and says so first', async () => {
    expect(await failure(kohya.tensors, { freeBytes: 1000 })).toMatchObject({ code: 'NOT_ENOUGH_MEMORY' });
  });

  it('is a model, or nothing', async () => {
    expect(await failure(models.sd1.components.vae!.tensors)).toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringMatching(/is no LoRA.*a VAE, which model\/swap-decoder takes/),
    });
  });
});

it('is found in a folder, by the name that diffusers gives it', async () => {
  const bytes = fileOf(tinyLora(models.sd1, 'diffusers'));
  const files = diskOf('sd1', {
    'lora/pytorch_lora_weights.safetensors': bytes,
    'lora/other.safetensors': bytes,
    'two/a.safetensors': bytes,
    'two/b.safetensors': bytes,
  });
  const base = await loadGenerator(files, 'model');
  (await lay(files, base, 'lora', 1)).dispose();
  await expect(lay(files, base, 'two', 1)).rejects.toMatchObject({
    code: 'NOT_FOUND',
    message: expect.stringMatching(/a\.safetensors, b\.safetensors/),
  });
  base.dispose();
});

it("is peft's own folder, whose alpha stands in adapter_config.json", async () => {
  const lora = tinyLora(models.sd1, 'peft');
  const unet = [...lora.tensors].filter(([name]) => name.startsWith('unet.'));
  const own = new Map(unet.map(([name, tensor]) => [name.replace(/^unet/, 'base_model.model'), tensor]));
  const changes = new Map([['unet', lora.changes.get('unet')!]]);
  const files = memoryFiles({
    ...below('model', models.sd1.files),
    ...below('merged', mergedFolder(models.sd1, [[{ ...lora, changes }, 1]])),
    'peft/adapter_model.safetensors': writeSafetensors(own),
    'peft/adapter_config.json': JSON.stringify({ r: 2, lora_alpha: 3 }),
    'alone/adapter_model.safetensors': writeSafetensors(own),
  });
  const image = await drawn(files, [['peft', 1]]);
  expect(largestDifference(image, await drawn(files, [], 'merged'))).toBeLessThan(1e-4);
  await expect(drawn(files, [['alone', 1]])).rejects.toMatchObject({
    code: 'NOT_FOUND',
    message: expect.stringContaining('adapter_config.json'),
  });
});

it('may be of half precision', async () => {
  const lora = tinyLora(models.sd1, 'kohya');
  const halves: Tensors = new Map([...lora.tensors].map(([name, tensor]) => [name, { ...tensor, dtype: 'F16' }]));
  const files = diskOf('sd1', { 'a.safetensors': fileOf(lora), 'half.safetensors': writeSafetensors(halves) });
  const whole = await drawn(files, [['a.safetensors', 1]]);
  expect(largestDifference(await drawn(files, [['half.safetensors', 1]]), whole)).toBeLessThan(1e-2);
});

it('goes over a generator with another decoder, which it keeps', async () => {
  const files = memoryFiles({
    ...below('model', models.sd1.files),
    'a.safetensors': fileOf(tinyLora(models.sd1, 'kohya')),
  });
  const base = await loadGenerator(files, 'model');
  const context = nodeContext({ files }).context;
  const swapped = (await swapDecoder.run({ generator: base }, { model: 'model/vae' }, context)).generator as Generator;
  const both = await lay(files, swapped, 'a.safetensors', 1);
  const alone = await lay(files, base, 'a.safetensors', 1);
  expect(draw(both)).toEqual(draw(alone)); // the other decoder is the same once more
  expect(both.uses).toContain(swapped);
  expect(both.name).toContain('a.safetensors');
  for (const each of [both, alone, swapped, base]) each.dispose();
});
