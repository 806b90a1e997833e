import { beforeAll, describe, expect, it } from 'vitest';
import type { Files } from '../../../../../nodes/files.ts';
import { controlNetConfig, controlNetShapes } from '../../../../../nodes/ml/models/controlNet.ts';
import { loadControlNet } from '../../../../../nodes/ml/models/load/loadControlNet.ts';
import { loadGenerator } from '../../../../../nodes/ml/models/load/loadGenerator.ts';
import type { Json } from '../../../../../nodes/ml/models/unetConfig.ts';
import { randomStream } from '../../../../../nodes/ml/random.ts';
import { fill, mul, type Tensor4D } from '../../../../../nodes/ml/tf.ts';
import { writeSafetensors } from '../../../../../nodes/ml/weights/writeSafetensors.ts';
import type { ControlNet } from '../../../../../nodes/ports.ts';
import { guardLeaks, openTestDevice } from '../../../../support/devices.ts';
import { drawnBy } from '../../../../support/imageOf.ts';
import { ldmFile } from '../../../../support/ldmFile.ts';
import { memoryFiles } from '../../../../support/memoryFiles.ts';
import { randomTensor, type Tensors, tinyModel } from '../../../../support/tinyModels.ts';

beforeAll(async () => {
  await openTestDevice();
});
guardLeaks();

const model = tinyModel('sd1');
const config: Json = {
  _class_name: 'ControlNetModel',
  ...model.components.unet!.config,
  conditioning_embedding_out_channels: [8, 12, 16],
};
const withoutMiddle = { ...config, mid_block_type: 'UNetMidBlock2D' };
const random = randomStream(5);
const weightsFor = (json: Json): Tensors =>
  new Map(
    [...controlNetShapes(controlNetConfig(json))].map(([name, shape]) => [
      name,
      randomTensor(name, shape, random.normal),
    ]),
  );
const weights = weightsFor(config);

/** The names of lllyasviel's files: the way back from what the loader does, on its own. */
function asPublished(tensors: Tensors, prefix: string): Tensors {
  const unet = { ...model, components: { ...model.components, unet: { config, tensors: inUnet(tensors) } } };
  const ldm = [...ldmFile(unet)].flatMap(([name, tensor]): [string, typeof tensor][] => {
    const start = 'model.diffusion_model.';
    return name.startsWith(start) ? [[prefix + name.slice(start.length), tensor]] : [];
  });
  const hint = (name: string) =>
    name.includes('conv_in') ? 0 : name.includes('conv_out') ? 10 : 2 * (Number(/blocks\.(\d)/.exec(name)![1]) + 1);
  const rest = [...tensors].flatMap(([name, tensor]): [string, typeof tensor][] => {
    const end = name.split('.').at(-1);
    if (name.startsWith('controlnet_cond')) return [[`${prefix}input_hint_block.${hint(name)}.${end}`, tensor]];
    if (name.startsWith('controlnet_down')) return [[`${prefix}zero_convs.${name.split('.')[1]}.0.${end}`, tensor]];
    return name.startsWith('controlnet_mid') ? [[`${prefix}middle_block_out.0.${end}`, tensor]] : [];
  });
  return new Map([...ldm, ...rest]);
}
const inUnet = (tensors: Tensors): Tensors => new Map([...tensors].filter(([name]) => !name.startsWith('controlnet_')));

const fileOf = (tensors: Tensors, name = 'c.safetensors'): Files => memoryFiles({ [name]: writeSafetensors(tensors) });
const generatorFiles = memoryFiles(
  Object.fromEntries(Object.entries(model.files).map(([name, file]) => [`f/${name}`, file])),
);

/** What the tiny generator draws under a ControlNet. */
async function steered(controlnet: ControlNet): Promise<Float32Array> {
  const generator = await loadGenerator(generatorFiles, 'f');
  const image: Tensor4D = fill([1, 16, 16, 3], 0.7);
  try {
    const conditions = [{ controlnet, image, scale: 1, start: 0, end: 1 }];
    return drawnBy(generator, { scheduler: 'model', prompt: 'a red dog!', conditions });
  } finally {
    image.dispose();
    controlnet.dispose();
    generator.dispose();
  }
}
const folderOf = (json: Json, tensors = weights): Files =>
  memoryFiles({
    'c/config.json': JSON.stringify(json),
    'c/diffusion_pytorch_model.safetensors': writeSafetensors(tensors),
  });

describe('a ControlNet in a single file', () => {
  it.each([
    ['the names of diffusers', weights],
    ['the names of its authors', asPublished(weights, '')],
    ['below control_model.', asPublished(weights, 'control_model.')],
    [
      'with the generator that it was trained with',
      new Map([...asPublished(weights, 'control_model.'), ...ldmFile(model)]),
    ],
  ])('%s steers as its folder does', async (_, tensors) => {
    const image = await steered(await loadControlNet(fileOf(tensors as Tensors), 'c.safetensors'));
    expect(image).toEqual(await steered(await loadControlNet(folderOf(config), 'c')));
  });

  it('may have no attention in the middle', async () => {
    const tensors = weightsFor(withoutMiddle);
    expect([...tensors.keys()].filter((name) => name.startsWith('mid_block.')).length).toBeGreaterThan(0);
    expect([...tensors.keys()].some((name) => /^mid_block\.(attentions|resnets\.1)/.test(name))).toBe(false);
    const image = await steered(await loadControlNet(fileOf(tensors), 'c.safetensors'));
    expect(image).toEqual(await steered(await loadControlNet(folderOf(withoutMiddle, tensors), 'c')));
  });

  it.each([
    ['task_embedding', 'a union ControlNet'],
    ['control_add_embedding.linear_1.weight', 'a union ControlNet'],
    ['lora_controlnet', 'a Control-LoRA'],
  ])('is refused where %s says that it is %s', async (name, what) => {
    const tensors = new Map(weights).set(name, randomTensor(name, [1], random.normal));
    await expect(loadControlNet(fileOf(tensors), 'c.safetensors')).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringContaining(`It looks like ${what}`),
    });
  });

  it.each(['difference', 'down_blocks.0.motion.weight', 'control_model.extra'])('stops at %s', async (name) => {
    const tensors = new Map(weights).set(name, randomTensor(name, [1], random.normal));
    await expect(loadControlNet(fileOf(tensors), 'c.safetensors')).rejects.toMatchObject({ code: 'UNKNOWN_WEIGHTS' });
  });

  it.each([
    ['control_v11e_sd15_shuffle.pth', true],
    ['control_v11e_sd15_shuffle_fp16.safetensors', true],
    ['Shuffle.safetensors', true],
    ['reshuffled.safetensors', false],
    ['control_v11p_sd15_canny.pth', false],
  ])('%s is pooled: %s', async (name, pooled) => {
    const controlnet = await loadControlNet(fileOf(weights, name), name);
    expect(controlnet.promptedOnly).toBe(pooled);
    controlnet.dispose();
  });
});

describe('a ControlNet that is pooled over the image', () => {
  it('adds nothing beside the negative prompt', async () => {
    const pooled = { ...config, global_pool_conditions: true };
    const controlnet = await loadControlNet(folderOf(pooled), 'c');
    expect(controlnet.promptedOnly).toBe(true);
    const { residuals } = controlnet;
    /** Its residuals by hand: zero in the first half, which is the negative prompt's. */
    const halved: ControlNet = {
      ...controlnet,
      promptedOnly: false,
      residuals(input) {
        const mask = fill([2, 1, 1, 1], 1).bufferSync();
        mask.set(0, 0, 0, 0, 0);
        const share = mask.toTensor();
        const { down, mid } = residuals(input);
        return { down: down.map((each): Tensor4D => mul(each, share)), mid: mul(mid, share) };
      },
      dispose: () => {},
    };
    const [byHand, both] = [
      await steered(halved),
      await steered({ ...controlnet, promptedOnly: false, dispose: () => {} }),
    ];
    const image = await steered(controlnet);
    expect(image).toEqual(byHand);
    expect(image).not.toEqual(both);
  });
});
