import { beforeAll, describe, expect, it } from 'vitest';
import { controlMap } from '../../../nodes/input/controlMap.ts';
import { loadControlNet } from '../../../nodes/ml/models/load/loadControlNet.ts';
import { loadGenerator } from '../../../nodes/ml/models/load/loadGenerator.ts';
import { latentNoise, randomStream } from '../../../nodes/ml/random.ts';
import { fill, ones, type Tensor4D, tensor4d } from '../../../nodes/ml/tf.ts';
import { type StoredTensor, writeSafetensors } from '../../../nodes/ml/weights/writeSafetensors.ts';
import { smartControl } from '../../../nodes/model/smartControl.ts';
import type { Condition, ControlNet, Generator } from '../../../nodes/ports.ts';
import { guardLeaks, openTestDevice } from '../../support/devices.ts';
import { diskFiles, goldenFolder } from '../../support/golden.ts';
import { memoryFiles } from '../../support/memoryFiles.ts';
import { nodeContext } from '../../support/nodeContext.ts';

beforeAll(async () => void (await openTestDevice()));
guardLeaks();

const FILE = `${goldenFolder('smart-control')}/predictors.safetensors`;
const open = async () => ({
  generator: await loadGenerator(diskFiles, goldenFolder('tiny-sd15')),
  controlnet: await loadControlNet(diskFiles, goldenFolder('tiny-controlnet')),
});
async function smart(controlnet: ControlNet, strength: number, path = FILE, files = diskFiles): Promise<ControlNet> {
  const { context } = nodeContext({ files });
  return (await smartControl.run({ controlnet }, { path, strength }, context)).controlnet;
}

/** Latents after two steps under conditions, from one noise. */
async function drawn(generator: Generator, conditions: readonly Condition[], images = 1): Promise<Float32Array> {
  const seeds = Array.from({ length: images }, (_, i) => i);
  const latents = latentNoise(seeds, [8, 8, 4]);
  const settings = { scheduler: 'ddim', steps: 2, guidanceScale: 3, eta: 0 };
  const run = generator.denoise({
    noise: { latents, seeds },
    prompts: ['a red dog'],
    negativePrompt: '',
    settings,
    conditions,
  });
  try {
    let step = run.next();
    while (!step.done) step = run.next();
    const values = Float32Array.from(await step.value.data());
    step.value.dispose();
    return values;
  } finally {
    latents.dispose();
  }
}

/** Something to steer by, of the image's size. */
function conditionImage(generator: Generator): Tensor4D {
  const side =
    (8 * generator.defaults.height) / generator.latentShape(generator.defaults.width, generator.defaults.height)[0];
  const { uniform } = randomStream(2);
  return tensor4d(Float32Array.from({ length: side * side * 3 }, uniform), [1, side, side, 3]);
}
const apart = (a: Float32Array, b: Float32Array) => Math.max(...a.map((x, i) => Math.abs(x - b[i]!)));

describe('smart control', () => {
  it('is the ControlNet as it is at strength 0, and counts less at 1', async () => {
    const { generator, controlnet } = await open();
    const image = conditionImage(generator);
    const of = (own: ControlNet): Condition => ({ controlnet: own, image, scale: 1, start: 0, end: 1 });
    const [full, none] = [await drawn(generator, [of(controlnet)]), await drawn(generator, [])];
    const wrapped = await Promise.all([0, 0.5, 1].map((strength) => smart(controlnet, strength)));
    const [off, half, on] = await Promise.all(wrapped.map((own) => drawn(generator, [of(own)])));
    expect(off).toEqual(full);
    expect(apart(on!, full)).toBeGreaterThan(1e-4);
    expect(apart(on!, none)).toBeGreaterThan(1e-4);
    expect(apart(half!, full)).toBeLessThan(apart(on!, full));
    expect(wrapped[2]).toMatchObject({ uses: [controlnet], name: expect.stringContaining('predictors') });
    // Beside another ControlNet, which adds as ever.
    const both = await drawn(generator, [of(controlnet), of(wrapped[2]!)]);
    expect(apart(both, on!)).toBeGreaterThan(1e-4);
    for (const each of [...wrapped, generator, controlnet, image]) each.dispose();
  });

  const weight = (shape: number[]): StoredTensor => ({
    dtype: 'F32',
    shape,
    values: new Float32Array(shape.reduce((a, b) => a * b)),
  });
  const network = (i: number, from: number) =>
    [[0, from / 4, from], [2, from / 8, from / 4], [4, 1, from / 8]].flatMap(([layer, to, taken]) => [
      [`c_pre_list.${i}.${layer}.weight`, weight([to!, taken!, 3, 3])] as const,
      [`c_pre_list.${i}.${layer}.bias`, weight([to!])] as const,
    ]); // biome-ignore format: a table

  it.each([
    ['no networks', [['conv.weight', weight([1, 1, 1, 1])] as const], 'UNSUPPORTED', 'is no SmartControl'],
    ['a missing tensor', network(0, 72).slice(0, 5), 'WRONG_WEIGHTS', 'missing'],
    ['a stranger', [...network(0, 72), ['other', weight([1])] as const], 'UNKNOWN_WEIGHTS', 'other'],
    ['odd channels', [['c_pre_list.0.0.weight', weight([1, 12, 3, 3])] as const], 'BAD_CHECKPOINT', 'multiple of 8'],
  ])('refuses a file with %s', async (_, tensors, code, message) => {
    const files = memoryFiles({ 'a.safetensors': writeSafetensors(new Map(tensors)) });
    const nothing = {} as ControlNet;
    await expect(smart(nothing, 1, 'a.safetensors', files)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
  });

  it('refuses networks for another U-Net when it draws', async () => {
    const { generator, controlnet } = await open();
    const image = conditionImage(generator);
    const files = memoryFiles({ 'a.safetensors': writeSafetensors(new Map([...network(0, 72), ...network(1, 64)])) });
    const wrapped = await smart(controlnet, 1, 'a.safetensors', files);
    const condition = { controlnet: wrapped, image, scale: 1, start: 0, end: 1 };
    await expect(drawn(generator, [condition])).rejects.toMatchObject({ code: 'DOES_NOT_FIT' });
    for (const each of [wrapped, generator, controlnet, image]) each.dispose();
  });
});

describe('a control map', () => {
  const mapped = (condition: Condition, pixels: Tensor4D): Condition =>
    (controlMap.run({ condition, map: { pixels, labels: [] } }, {}, nodeContext().context) as { condition: Condition })
      .condition;

  it('counts everywhere where it is white, nowhere where it is black, and place by place', async () => {
    const { generator, controlnet } = await open();
    const image = conditionImage(generator);
    const condition: Condition = { controlnet, image, scale: 1, start: 0, end: 1 };
    const [white, black] = [ones([1, 5, 7, 3]) as Tensor4D, fill([1, 4, 4, 3], 0) as Tensor4D];
    const halves = tensor4d(
      Float32Array.from({ length: 48 }, (_, i) => (i % 12 < 6 ? 1 : 0)),
      [1, 4, 4, 3],
    );
    const conditions = [white, black, halves].map((pixels) => mapped(condition, pixels));
    const [full, none] = [await drawn(generator, [condition]), await drawn(generator, [])];
    const [byWhite, byBlack, byHalves] = [
      await drawn(generator, [conditions[0]!]),
      await drawn(generator, [conditions[1]!]),
      await drawn(generator, [conditions[2]!]),
    ];
    expect(apart(byWhite, full)).toBeLessThan(1e-5);
    expect(apart(byBlack, none)).toBeLessThan(1e-5);
    expect(Math.min(apart(byHalves, full), apart(byHalves, none))).toBeGreaterThan(1e-4);
    for (const each of [
      ...conditions.flatMap(({ image, map }) => [image, map!]),
      white,
      black,
      halves,
      image,
      generator,
      controlnet,
    ])
      each.dispose();
  });

  it('is one for all or one for each image', () => {
    const image = ones([3, 2, 2, 3]) as Tensor4D;
    const maps = ones([2, 2, 2, 3]) as Tensor4D;
    const condition = { controlnet: {} as ControlNet, image, scale: 1, start: 0, end: 1 };
    expect(() => mapped(condition, maps)).toThrow('There are 2 maps for 3 control images');
    for (const each of [image, maps]) each.dispose();
  });
});
