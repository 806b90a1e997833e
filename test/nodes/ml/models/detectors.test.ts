import { expect, it } from 'vitest';
import { hedShapes } from '../../../../nodes/ml/models/hed.ts';
import { imageUNetConfig, imageUNetShapes } from '../../../../nodes/ml/models/imageUNet.ts';
import { lineDrawingShapes } from '../../../../nodes/ml/models/lineDrawing.ts';
import { loadHed, loadImageUNet, loadLineDrawing } from '../../../../nodes/ml/models/load/loadDetector.ts';
import { randomStream } from '../../../../nodes/ml/random.ts';
import * as tf from '../../../../nodes/ml/tf.ts';
import { type StoredTensor, writeSafetensors } from '../../../../nodes/ml/weights/writeSafetensors.ts';
import { expectClose, type Pair } from '../../../support/closeness.ts';
import { describeOnDevices, guardLeaks } from '../../../support/devices.ts';
import { memoryFiles } from '../../../support/memoryFiles.ts';
import * as plain from '../../../support/plainLayers.ts';
import { randomFile } from '../../../support/randomWeights.ts';

const kernelOf = (file: ReadonlyMap<string, StoredTensor>, name: string): plain.Kernel => {
  const { shape, values } = file.get(`${name}.weight`)!;
  return { shape, values, bias: file.get(`${name}.bias`)!.values };
};
const relu = (p: plain.Plane) => plain.mapped(p, (x) => Math.max(0, x));
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

const random = randomStream(5);
const image = plain.plane(16, 24, 3, () => random.uniform());
const pixelsOf = ({ height, width, channels, values }: plain.Plane) =>
  tf.tensor4d([...values], [1, height, width, channels]);

const hedFile = randomFile(hedShapes([4, 4, 6, 6, 6]));
hedFile.set('norm', { dtype: 'F32', shape: [1, 3, 1, 1], values: Float32Array.of(120, 110, 100) });
hedFile.set('block1.convs.0.weight', {
  ...hedFile.get('block1.convs.0.weight')!,
  values: hedFile.get('block1.convs.0.weight')!.values.map((x) => x / 100), // images come in 0..255
});

const lineFile = randomFile(lineDrawingShapes({ width: 4, blocks: 2 }));
const files = memoryFiles({
  'ControlNetHED.safetensors': writeSafetensors(hedFile),
  'model.safetensors': writeSafetensors(lineFile),
});

function plainHed(input: plain.Plane): readonly number[] {
  let h: plain.Plane = { ...input, values: input.values.map((x, i) => 255 * x - [120, 110, 100][i % 3]!) };
  const sides = [2, 2, 3, 3, 3].map((depth, i) => {
    if (i > 0) h = plain.pooled(h);
    for (let j = 0; j < depth; j++) h = relu(plain.convolved(h, kernelOf(hedFile, `block${i + 1}.convs.${j}`), 1, 1));
    return plain.bilinear(plain.convolved(h, kernelOf(hedFile, `block${i + 1}.projection`)), 16, 24);
  });
  return sides[0]!.values.map((_, p) => sigmoid(sides.reduce((sum, { values }) => sum + values[p]!, 0) / 5));
}

function plainLineDrawing(input: plain.Plane): readonly number[] {
  const norm = (p: plain.Plane) => relu(plain.normalised(p));
  let h = norm(plain.convolved(plain.mirrored(input, 3), kernelOf(lineFile, 'model0.1')));
  for (const name of ['model1.0', 'model1.3']) h = norm(plain.convolved(h, kernelOf(lineFile, name), 2, 1));
  for (let i = 0; i < 2; i++) {
    const [one, two] = [1, 5].map((layer) => kernelOf(lineFile, `model2.${i}.conv_block.${layer}`));
    const inner = norm(plain.convolved(plain.mirrored(h, 1), one!));
    const { values } = plain.normalised(plain.convolved(plain.mirrored(inner, 1), two!));
    h = { ...h, values: h.values.map((value, p) => value + values[p]!) };
  }
  for (const name of ['model3.0', 'model3.3']) h = norm(plain.doubled(h, kernelOf(lineFile, name)));
  return plain.mapped(plain.convolved(plain.mirrored(h, 3), kernelOf(lineFile, 'model4.1')), sigmoid).values;
}

/** The slope of the sum of squares along a direction, by loops in double precision. */
function plainSlope(detect: (input: plain.Plane) => readonly number[], direction: readonly number[]): number {
  const step = 1e-7;
  const at = (h: number) => detect({ ...image, values: image.values.map((x, i) => x + h * direction[i]!) });
  const loss = (values: readonly number[]) => values.reduce((sum, value) => sum + value ** 2, 0);
  return (loss(at(step)) - loss(at(-step))) / (2 * step);
}

/** What the network and its gradient give, beside what loops over plain numbers give. */
function pairs(detect: (pixels: tf.Tensor4D) => tf.Tensor4D, reference: typeof plainHed): Pair[] {
  const pixels = pixelsOf(image);
  const random = randomStream(8);
  const direction = image.values.map(() => random.normal());
  const gradient = tf.grad((x: tf.Tensor) => tf.sum(tf.square(detect(x as tf.Tensor4D))))(pixels);
  const slope = tf.sum(tf.mul(gradient, tf.tensor4d(direction, pixels.shape)));
  return [
    [detect(pixels), tf.tensor4d([...reference(image)], [1, 16, 24, 1]), 1e-4],
    [slope, tf.scalar(plainSlope(reference, direction)), 2e-3],
  ];
}

await describeOnDevices('detectors', () => {
  guardLeaks();

  it('HED is its definition, from a file with the names of ControlNetHED.pth', async () => {
    const expected = plainHed(image);
    expect(Math.max(...expected) - Math.min(...expected)).toBeGreaterThan(0.05);
    const network = await loadHed(files, 'ControlNetHED.safetensors');
    await expectClose(() => pairs(network.detect, plainHed));
    network.dispose();
  });

  it('the line drawing is its definition, from a file with the names of model.pth', async () => {
    const network = await loadLineDrawing(files, 'model.safetensors');
    await expectClose(() => pairs(network.detect, plainLineDrawing));
    network.dispose();
  });

  it('an ImageUNet comes from a folder', async () => {
    const json = {
      _class_name: 'ImageUNet',
      out_channels: 1,
      block_out_channels: [8, 8],
      norm_num_groups: 4,
      task: 'depth',
      labels: [],
    };
    const folder = memoryFiles({
      'depth/config.json': JSON.stringify(json),
      'depth/model.safetensors': writeSafetensors(randomFile(imageUNetShapes(imageUNetConfig(json)))),
    });
    const network = await loadImageUNet(folder, 'depth');
    const pixels = pixelsOf(image);
    const map = network.detect(pixels);
    expect(network).toMatchObject({ name: 'depth', config: { task: 'depth' } });
    expect(map.shape).toEqual([1, 16, 24, 1]);
    tf.dispose([pixels, map]);
    network.dispose();
  });

  it('refuses a checkpoint of something else by the names it expected and found', async () => {
    await expect(loadHed(files, 'model.safetensors')).rejects.toMatchObject({
      code: 'WRONG_WEIGHTS',
      message: expect.stringMatching(
        /37 of 37 tensors are missing \(norm, block1\.[^)]*\); \d+ are unexpected \(model/,
      ),
    });
    await expect(loadLineDrawing(files, 'ControlNetHED.safetensors')).rejects.toMatchObject({
      message: expect.stringMatching(/24 of 24 tensors are missing \(model0\.1\.weight, .*are unexpected/),
    });
  });
});
