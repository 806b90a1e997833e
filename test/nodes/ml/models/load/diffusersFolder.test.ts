import { beforeAll, describe, expect, it } from 'vitest';
import { describeModel } from '../../../../../nodes/ml/models/load/loadGenerator.ts';
import { writeSafetensors } from '../../../../../nodes/ml/weights/writeSafetensors.ts';
import { guardLeaks, openTestDevice } from '../../../../support/devices.ts';
import { imageOf } from '../../../../support/imageOf.ts';
import { memoryFiles } from '../../../../support/memoryFiles.ts';
import { type Tensors, tinyModel } from '../../../../support/tinyModels.ts';

beforeAll(async () => {
  await openTestDevice();
});
guardLeaks();

type Content = Record<string, Uint8Array | string>;
const model = tinyModel('sd1');
const text = model.components.text_encoder!;
const jsonOf = (name: string) => JSON.parse(String(model.files[name])) as Record<string, unknown>;

/** The folder `f` with some files replaced, added, or (undefined) taken away. */
function folderWith(changes: Readonly<Record<string, Uint8Array | string | object | undefined>>) {
  const content: Content = {};
  for (const [name, value] of Object.entries({ ...model.files, ...changes })) {
    const isBytes = typeof value === 'string' || value instanceof Uint8Array;
    if (value !== undefined) content[`f/${name}`] = isBytes ? value : JSON.stringify(value);
  }
  return memoryFiles(content);
}
const describeWith = (changes: Parameters<typeof folderWith>[0]) => describeModel(folderWith(changes), 'f');

describe('pipelines of other tasks', () => {
  const index = jsonOf('model_index.json');

  it.each([
    'StableDiffusionImg2ImgPipeline', 'StableDiffusionInpaintPipeline', 'StableDiffusionInpaintPipelineLegacy',
    'StableDiffusionControlNetPipeline', 'LatentConsistencyModelPipeline', 'StableDiffusionPAGPipeline',
    'SomethingOfMyOwnPipeline',
  ])('%s of the same parts is described', async (_class_name) => {
    const parts = { unet: ['diffusers', 'UNet2DConditionModel'], safety_checker: [null, null], image_encoder: [null, null] };
    const described = await describeWith({ 'model_index.json': { ...index, ...parts, _class_name } });
    expect(described).toMatchObject({ sdxl: false, defaults: { guidanceScale: 7.5 } });
  }); // biome-ignore format: names

  it.each([
    [
      'FluxPipeline',
      { transformer: ['diffusers', 'FluxTransformer2DModel'] },
      /FluxPipeline with the part "transformer"/,
    ],
    ['AnimateDiffPipeline', { motion_adapter: ['diffusers', 'MotionAdapter'] }, /the part "motion_adapter"/],
    ['StableDiffusionUpscalePipeline', { low_res_scheduler: ['diffusers', 'DDPMScheduler'] }, /"low_res_scheduler"/],
    ['TextToVideoSDPipeline', { unet: ['diffusers', 'UNet3DConditionModel'] }, /TextToVideoSDPipeline, which is not/],
    ['StableDiffusion3Pipeline', { text_encoder_3: ['transformers', 'T5EncoderModel'] }, /"text_encoder_3"/],
  ])('%s has others, and is refused by them', async (_class_name, parts, message) => {
    const error = describeWith({ 'model_index.json': { ...index, ...parts, _class_name } });
    await expect(error).rejects.toMatchObject({ code: 'UNSUPPORTED', message: expect.stringMatching(message) });
  });

  it('is refused where its U-Net takes more than latents', async () => {
    const unet = { ...model.components.unet!.config, in_channels: 9 };
    await expect(describeWith({ 'unet/config.json': unet })).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringMatching(/takes 9 channels and predicts 4 .* inpainting/),
    });
  });
});

describe('configs of the first diffusers', () => {
  const scheduler = {
    _class_name: 'DDIMScheduler',
    beta_schedule: 'scaled_linear',
    beta_start: 0.00085,
    beta_end: 0.012,
  };
  const configOf = async (stated: object) =>
    (await describeWith({ 'scheduler/scheduler_config.json': { ...scheduler, ...stated } })).schedulerConfig;

  it('start at timestep 1 and clip no latents, whatever they state', async () => {
    for (const stated of [{}, { steps_offset: 0 }, { clip_sample: true }, { steps_offset: 0, clip_sample: true }])
      expect(await configOf(stated)).toMatchObject({ steps_offset: 1, clip_sample: false });
    expect(await configOf({ timestep_spacing: 'trailing' })).toMatchObject({ timestep_spacing: 'trailing' });
  });

  it('of SDXL count as they are', async () => {
    const xl = Object.fromEntries(Object.entries(tinyModel('sdxl').files).map(([name, file]) => [`f/${name}`, file]));
    const files = memoryFiles({
      ...xl,
      'f/scheduler/scheduler_config.json': JSON.stringify({ ...scheduler, steps_offset: 0 }),
    });
    expect((await describeModel(files, 'f')).schedulerConfig).toEqual({ ...scheduler, steps_offset: 0 });
  });

  it.each([
    ['0.2.2', 32, 64],
    ['0.8.1', 96, 96],
    ['0.9.0', 32, 32],
    ['0.30.0', 32, 32],
    [undefined, 32, 32],
    ['0.6.0', undefined, 64],
  ])('version %s with a sample_size of %s draws sides of %i latents', async (_diffusers_version, sample_size, side) => {
    const unet = { ...model.components.unet!.config, _diffusers_version, sample_size };
    const { defaults } = await describeWith({ 'unet/config.json': unet });
    expect(defaults).toMatchObject({ width: 4 * side, height: 4 * side });
  });
});

describe('a text encoder', () => {
  const plain = () => imageOf(folderWith({}), 'f');

  it('may be stated inside the config of a whole CLIP, with the weights of one', async () => {
    const { architectures: _, ...text_config } = text.config;
    const image = { dtype: 'F32', shape: [1], values: Float32Array.of(1) } as const;
    const weights: Tensors = new Map([
      ...text.tensors,
      ['text_projection.weight', image],
      ['logit_scale', image],
      ['vision_model.embeddings.class_embedding', image],
      ['visual_projection.weight', image],
    ]);
    const files = folderWith({
      'text_encoder/config.json': { model_type: 'clip', projection_dim: 8, text_config, vision_config: {} },
      'text_encoder/model.fp16.safetensors': undefined,
      'text_encoder/model.safetensors': writeSafetensors(weights),
    });
    expect(await imageOf(files, 'f')).toEqual(await plain());
  });

  it.each([
    [
      'model.safetensors.index.fp16.json',
      'model.fp16-00001-of-00002.safetensors',
      'model.fp16-00002-of-00002.safetensors',
    ],
    [
      'model.safetensors.index.fp16.json',
      'model-00001-of-00002.fp16.safetensors',
      'model-00002-of-00002.fp16.safetensors',
    ],
    [
      'model.fp16.safetensors.index.json',
      'model-00001-of-00002.fp16.safetensors',
      'model-00002-of-00002.fp16.safetensors',
    ],
    ['model.safetensors.index.json', 'model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'],
  ])('may lie in parts: %s with %s', async (index, first, second) => {
    const all = [...text.tensors];
    const halves = [new Map(all.slice(0, 9)), new Map(all.slice(9))] as [Tensors, Tensors];
    const weight_map = Object.fromEntries(all.map(([name], i) => [name, i < 9 ? first : second]));
    const parts = {
      'text_encoder/model.fp16.safetensors': undefined,
      [`text_encoder/${first}`]: writeSafetensors(halves[0]),
      [`text_encoder/${second}`]: writeSafetensors(halves[1]),
    };
    const described = await describeWith({ ...parts, [`text_encoder/${index}`]: { metadata: {}, weight_map } });
    expect(described.texts[0]?.checkpoint.names().sort()).toEqual([...text.tensors.keys()].sort());
    await expect(describeWith(parts)).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringMatching(/2 parts of weights .* not the \.index\.json/),
    });
  });

  it('is found under endings in capitals', async () => {
    const described = await describeWith({
      'text_encoder/model.fp16.safetensors': undefined,
      'text_encoder/MODEL.SAFETENSORS': writeSafetensors(text.tensors),
    });
    expect(described.texts[0]?.checkpoint.path).toBe('f/text_encoder/MODEL.SAFETENSORS');
  });

  it('stops the load where it holds more than it should', async () => {
    const more: Tensors = new Map([
      ...text.tensors,
      ['text_model.encoder.layers.7.mlp.fc1.bias', text.tensors.values().next().value!],
    ]);
    const files = folderWith({ 'text_encoder/model.fp16.safetensors': writeSafetensors(more) });
    await expect(imageOf(files, 'f')).rejects.toMatchObject({
      code: 'UNKNOWN_WEIGHTS',
      message: expect.stringMatching(
        /"f\/text_encoder\/model.fp16.safetensors" holds 1 of \d+ tensors .* this text encoder/,
      ),
    });
  });
});

describe('a learned word', () => {
  const size = Number(text.config.vocab_size);
  const config = jsonOf('tokenizer/tokenizer_config.json');
  const { vocab, merges } = {
    vocab: jsonOf('tokenizer/vocab.json'),
    merges: String(model.files['tokenizer/merges.txt']),
  };
  const pairs = merges.split('\n').filter((line) => / /.test(line) && !line.startsWith('#'));
  const added = { id: size, content: '<sks-toy>', lstrip: false, rstrip: false, normalized: true, special: false };
  const whole = { added_tokens: [added], model: { type: 'BPE', vocab, merges: pairs } };
  const places: [string, Record<string, object | string | undefined>][] = [
    ['added_tokens.json', { 'tokenizer/added_tokens.json': { '<sks-toy>': size } }],
    [
      'tokenizer_config.json',
      { 'tokenizer/tokenizer_config.json': { ...config, added_tokens_decoder: { [size]: added } } },
    ],
    ['tokenizer.json beside vocab.json', { 'tokenizer/tokenizer.json': whole }],
    [
      'tokenizer.json alone',
      { 'tokenizer/tokenizer.json': whole, 'tokenizer/vocab.json': undefined, 'tokenizer/merges.txt': undefined },
    ],
  ];
  const embedding = 'text_model.embeddings.token_embedding.weight';
  const { shape, values, dtype } = text.tensors.get(embedding)!;
  const wide: Tensors = new Map(text.tensors).set(embedding, {
    dtype,
    shape: [size + 1, shape[1] as number],
    values: Float32Array.from([...values, ...new Float32Array(shape[1] as number).fill(0.5)]),
  });

  it.each(places)('is known from %s', async (_, place) => {
    const { texts } = await describeWith({
      ...place,
      'text_encoder/config.json': { ...text.config, vocab_size: size + 1 },
      'text_encoder/model.fp16.safetensors': writeSafetensors(wide),
    });
    const ids = texts[0]!.tokenizer.encode('a <sks-toy> dog', 6);
    expect(ids.slice(0, 5)).toEqual([size - 2, vocab['a</w>'], size, vocab['dog</w>'], size - 1]);
  });

  it.each(places)('in %s that the model has no embedding for is refused', async (_, place) => {
    await expect(describeWith(place)).rejects.toMatchObject({
      code: 'BAD_TOKENIZER',
      message: expect.stringMatching(/"<sks-toy>" is number \d+, and the model knows \d+/),
    });
  });
});

describe('a folder without its tokenizer', () => {
  const gone = Object.fromEntries(
    Object.keys(model.files)
      .filter((name) => name.startsWith('tokenizer/'))
      .map((name) => [name, undefined]),
  );

  it.each([
    [768, 49407],
    [1024, 0], // ViT-H of Stable Diffusion 2 pads with `!`
  ])('has the vocabulary of CLIP where its text encoder of width %d has as many tokens', async (hidden_size, pad) => {
    const config = { ...text.config, vocab_size: 49408, hidden_size };
    const { texts } = await describeWith({ ...gone, 'text_encoder/config.json': config });
    const ids = texts[0]!.tokenizer.encode('a photo of a cat', 9);
    expect(ids).toEqual([49406, 320, 1125, 539, 320, 2368, 49407, pad, pad]);
  });

  it('is refused where the text encoder has another number of tokens', async () => {
    await expect(describeWith(gone)).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining('looked for vocab.json with merges.txt'),
    });
  });
});
