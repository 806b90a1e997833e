import { beforeAll, describe, expect, it } from 'vitest';
import type { UserError } from '../../../../../nodes/errors.ts';
import type { Files } from '../../../../../nodes/files.ts';
import { loadControlNet } from '../../../../../nodes/ml/models/load/loadControlNet.ts';
import { describeModel, loadGenerator } from '../../../../../nodes/ml/models/load/loadGenerator.ts';
import type { LoadOptions } from '../../../../../nodes/ml/models/load/loadParts.ts';
import { predictedQuantity } from '../../../../../nodes/ml/models/load/predictedQuantity.ts';
import { clone, memory, neg, tensor3d, zerosLike } from '../../../../../nodes/ml/tf.ts';
import { writeSafetensors } from '../../../../../nodes/ml/weights/writeSafetensors.ts';
import { guardLeaks, openTestDevice } from '../../../../support/devices.ts';
import { diskFiles, goldenFolder } from '../../../../support/golden.ts';
import { ldmFile } from '../../../../support/ldmFile.ts';
import { memoryFiles } from '../../../../support/memoryFiles.ts';
import { tinyModel, vocabularyFiles } from '../../../../support/tinyModels.ts';

beforeAll(async () => {
  await openTestDevice();
});
guardLeaks();

const turbo = goldenFolder('tiny-sd-turbo');

/** The golden folder with some files replaced, added or (undefined) taken away. */
async function turboWith(changes: Readonly<Record<string, Uint8Array | string | undefined>>): Promise<Files> {
  const content: Record<string, Uint8Array | string> = {};
  const copy = async (folder: string) => {
    for (const name of (await diskFiles.list(`${turbo}${folder}`)) ?? [])
      if (name.endsWith('/')) await copy(`${folder}/${name.slice(0, -1)}`);
      else content[`m${folder}/${name}`] = await diskFiles.read(`${turbo}${folder}/${name}`);
  };
  await copy('');
  for (const [name, change] of Object.entries(changes)) {
    if (change === undefined) delete content[`m/${name}`];
    else content[`m/${name}`] = change;
  }
  return memoryFiles(content);
}

async function failureOf(files: Files, location = 'm', options: LoadOptions = {}): Promise<UserError> {
  return loadGenerator(files, location, options).then(
    () => expect.fail('It loaded.'),
    (error) => error,
  );
}

describe('a diffusers folder', () => {
  it('gives a generator that states its size, defaults and memory, and frees it', async () => {
    const before = memory().numTensors;
    const generator = await loadGenerator(diskFiles, turbo);
    expect(generator.name).toBe('tiny-sd-turbo');
    expect(generator.defaults).toEqual({
      scheduler: 'model',
      steps: 1,
      guidanceScale: 1,
      eta: 0,
      width: 64,
      height: 64,
    });
    expect(generator.latentShape(96, 64)).toEqual([8, 12, 4]);
    expect(() => generator.latentShape(60, 64)).toThrow(
      '60 x 64 pixels cannot be made: both sides must be multiples of 8',
    );
    expect(memory().numTensors).toBeGreaterThan(before + 100);
    generator.dispose();
  });

  it.each([
    ['tiny-sd15', 30, 7.5],
    ['tiny-sdxl-turbo', 1, 1],
  ])('%s recommends %i steps and guidance %d', async (family, steps, guidanceScale) => {
    const generator = await loadGenerator(diskFiles, goldenFolder(family));
    expect(generator.defaults).toMatchObject({ steps, guidanceScale });
    generator.dispose();
  });

  it('takes what model_index.json recommends', async () => {
    const index = JSON.parse(new TextDecoder().decode(await diskFiles.read(`${turbo}/model_index.json`)));
    const recommended = { steps: 12, guidance_scale: 2.5 };
    const generator = await loadGenerator(
      await turboWith({ 'model_index.json': JSON.stringify({ ...index, recommended }) }),
      'm',
    );
    expect(generator.defaults).toMatchObject({ steps: 12, guidanceScale: 2.5 });
    generator.dispose();
  });

  it('prefers weights of full precision, and names a snapshot of the Hugging Face cache by its repository', async () => {
    const snapshot = 'hub/models--owner--model/snapshots/abc';
    const weights = await diskFiles.read(`${turbo}/unet/diffusion_pytorch_model.fp16.safetensors`);
    const files = await turboWith({
      'unet/diffusion_pytorch_model.safetensors': weights,
      'unet/diffusion_pytorch_model.fp16.safetensors': 'not a checkpoint',
    });
    const moved = (path: string) => path.replace(snapshot, 'm');
    const generator = await loadGenerator(
      {
        ...files,
        read: (path, ...range) => files.read(moved(path), ...range),
        open: (path) => files.open(moved(path)),
        size: (path) => files.size(moved(path)),
        list: (path) => files.list(moved(path)),
      },
      snapshot,
    );
    expect(generator.name).toBe('owner/model');
    generator.dispose();
  });
});

describe('what is wrong is said, and nothing stays in memory', () => {
  const cases: [string, Record<string, string | undefined>, string, RegExp][] = [
    [
      'no index',
      { 'model_index.json': undefined },
      'NOT_FOUND',
      /looked for model_index.json .*; it holds .*unet\/.*vae\//,
    ],
    [
      'an unknown pipeline',
      { 'model_index.json': '{"_class_name":"FluxPipeline"}' },
      'UNSUPPORTED',
      /FluxPipeline.*supported are StableDiffusionPipeline, StableDiffusionXLPipeline/,
    ],
    [
      'an unknown encoder',
      {
        'model_index.json':
          '{"_class_name":"StableDiffusionPipeline","text_encoder":["transformers","T5EncoderModel"]}',
      },
      'UNSUPPORTED',
      /"T5EncoderModel" as its text_encoder/,
    ],
    ['broken JSON', { 'unet/config.json': '{' }, 'BAD_CONFIG', /"m\/unet\/config.json" is not valid JSON/],
    [
      'no U-Net config',
      { 'unet/config.json': undefined },
      'NOT_FOUND',
      /"m\/unet" has no config.json; it holds diffusion_pytorch_model.fp16.safetensors/,
    ],
    [
      'no U-Net weights',
      { 'unet/diffusion_pytorch_model.fp16.safetensors': undefined },
      'NOT_FOUND',
      /"m\/unet" has no weights: looked for .*; it holds config.json/,
    ],
    [
      'no scheduler',
      { 'scheduler/scheduler_config.json': undefined },
      'NOT_FOUND',
      /"m\/scheduler" has no scheduler_config.json/,
    ],
    [
      'no tokenizer',
      { 'tokenizer/merges.txt': undefined },
      'NOT_FOUND',
      /"m\/tokenizer" has no tokenizer: looked for vocab.json with merges.txt/,
    ],
    [
      'an unknown autoencoder',
      { 'vae/config.json': '{"_class_name":"AutoencoderDC"}' },
      'UNSUPPORTED',
      /"AutoencoderDC" is not supported; supported are AutoencoderKL, AutoencoderTiny/,
    ],
    [
      'the config of another VAE',
      { 'vae/config.json': '{"_class_name":"AutoencoderKL","block_out_channels":[8,16],"norm_num_groups":4}' },
      'WRONG_WEIGHTS',
      /AutoencoderKL that its config describes: 4 of \d+ tensors are missing \(.*; \d+ have another shape \(.* is \[8, 8, 3, 3\] instead of \[16, 8, 3, 3\], .*\.\.\.\); \d+ are unexpected/,
    ],
    [
      'a text encoder of more layers',
      {
        'text_encoder/config.json':
          '{"num_hidden_layers":3,"hidden_size":32,"intermediate_size":64,"num_attention_heads":4,"vocab_size":884}',
      },
      'WRONG_WEIGHTS',
      /16 of \d+ tensors are missing \(text_model.encoder.layers.2/,
    ],
  ];
  it.each(cases)('%s', async (_title, changes, code, sentence) => {
    const before = memory().numTensors;
    const error = await failureOf(await turboWith(changes));
    expect([error.code, error.message]).toEqual([code, expect.stringMatching(sentence)]);
    expect(memory().numTensors).toBe(before);
  });

  it('too little memory, with both numbers, before any weight is read', async () => {
    const { bytes, dispose } = await loadGenerator(diskFiles, turbo);
    dispose();
    const files = await turboWith({});
    const bytesBefore = (files as ReturnType<typeof memoryFiles>).bytesRead();
    const error = await failureOf(files, 'm', { freeBytes: () => bytes - 1 });
    expect(error.code).toBe('NOT_ENOUGH_MEMORY');
    expect(error.message).toMatch(/"m" needs 0\.00 GiB of memory and 0\.00 GiB are free/);
    expect((files as ReturnType<typeof memoryFiles>).bytesRead() - bytesBefore).toBeLessThan(bytes / 2);
    const generator = await loadGenerator(files, 'm', { freeBytes: () => bytes });
    generator.dispose();
  });

  it('cancelling between two parts', async () => {
    const texts: string[] = [];
    const error = await failureOf(diskFiles, turbo, {
      progress: async (fraction, text) => {
        texts.push(`${fraction > 0} ${text}`);
        if (texts.length === 2) throw new Error('stop');
      },
    });
    expect(error.message).toBe('stop');
    expect(texts).toEqual([
      expect.stringMatching(/^false loading the U-Net, \d+ MiB of \d+ MiB$/),
      expect.stringMatching(/^true loading the AutoencoderKL, \d+ MiB of \d+ MiB$/),
    ]);
  });
});

describe('a single file', () => {
  const single = ldmFile(tinyModel('sd1'));

  it('needs the vocabulary beside it, of the right size', async () => {
    const wrong = { 'x/vocab.json': '{"a":0}', 'x/merges.txt': '#version: 0.2\n' };
    const error = await failureOf(
      memoryFiles({ 'x/m.safetensors': writeSafetensors(single), ...wrong }),
      'x/m.safetensors',
    );
    expect(error.code).toBe('NO_TOKENIZER');
    expect(error.message).toMatch(/CLIP vocabulary of \d+ tokens.*Put vocab.json and merges.txt .* beside it \("x"\)/);
  });

  it('must be a whole Stable Diffusion checkpoint', async () => {
    const lora = new Map([...single].filter(([name]) => name.startsWith('first_stage_model.')));
    const error = await failureOf(memoryFiles({ 'v.safetensors': writeSafetensors(lora) }), 'v.safetensors');
    expect(error.code).toBe('UNSUPPORTED');
    expect(error.message).toMatch(/looked for model.diffusion_model., .*; its names start with first_stage_model\./);
  });

  it('recommends few steps where its name says that it is distilled', async () => {
    const vocabulary = Object.fromEntries(Object.entries(vocabularyFiles).map(([name, text]) => [`x/${name}`, text]));
    const bytes = writeSafetensors(single);
    const files = memoryFiles({ 'x/sd_turbo.safetensors': bytes, 'x/plain.safetensors': bytes, ...vocabulary });
    const turbo = await describeModel(files, 'x/sd_turbo.safetensors');
    expect(turbo.defaults).toMatchObject({ steps: 1, guidanceScale: 1, scheduler: 'model' });
    expect(turbo.schedulerConfig).toMatchObject({
      _class_name: 'EulerDiscreteScheduler',
      timestep_spacing: 'trailing',
    });
    const plain = await describeModel(files, 'x/plain.safetensors');
    expect(plain.defaults).toMatchObject({ steps: 30, guidanceScale: 7.5 });
    expect(plain.schedulerConfig).toMatchObject({ prediction_type: 'epsilon', steps_offset: 1 });
    expect(plain.schedulerConfig).not.toHaveProperty('timestep_spacing'); // nor does the published folder state it
  });

  it('of Stable Diffusion 2 is asked what it predicts', async () => {
    const parts = {
      encodePrompt: () => ({ context: tensor3d([[[0]]]), pooled: undefined }),
      latents: { channels: 4, factor: 8 },
    };
    expect(await predictedQuantity({ ...parts, unet: (sample) => clone(sample) })).toBe('epsilon');
    expect(await predictedQuantity({ ...parts, unet: (sample) => neg(sample) })).toBe('v_prediction');
    expect(await predictedQuantity({ ...parts, unet: (sample) => zerosLike(sample) })).toBe('v_prediction');
  });
});

describe('a ControlNet', () => {
  it('loads from a folder and frees its memory', async () => {
    const controlnet = await loadControlNet(diskFiles, goldenFolder('tiny-controlnet'));
    expect(controlnet.name).toBe('tiny-controlnet');
    expect(controlnet.bytes).toBeGreaterThan(100_000);
    controlnet.dispose();
  });

  it('says what else the folder holds', async () => {
    await expect(loadControlNet(diskFiles, `${turbo}/unet`)).rejects.toThrow(
      `"${turbo}/unet" holds a "UNet2DConditionModel", not a "ControlNetModel".`,
    );
  });
});
