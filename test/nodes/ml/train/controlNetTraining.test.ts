import { beforeAll, describe, expect, it } from 'vitest';
import { labelColour } from '../../../../nodes/ml/condition/labelMaps.ts';
import { controlNetConfig, controlNetShapes } from '../../../../nodes/ml/models/controlNet.ts';
import { unet2DCondition, unetConfig, unetShapes } from '../../../../nodes/ml/models/unet2DCondition.ts';
import { randomStream } from '../../../../nodes/ml/random.ts';
import { dispose, tidy } from '../../../../nodes/ml/tf.ts';
import { startAdamW } from '../../../../nodes/ml/train/adamW.ts';
import { disposeAdamW, toDevice } from '../../../../nodes/ml/train/adamWOnDevice.ts';
import { controlNetJson, controlNetTraining } from '../../../../nodes/ml/train/controlNetTraining.ts';
import { layoutOf } from '../../../../nodes/ml/train/flatParameters.ts';
import { startFrom } from '../../../../nodes/ml/train/startFrom.ts';
import { trainStep } from '../../../../nodes/ml/train/trainStep.ts';
import { weightsOf } from '../../../../nodes/ml/weights/weights.ts';
import { conditionImage } from '../../../../nodes/ml/world/conditionImage.ts';
import { sampleScene } from '../../../../nodes/ml/world/scene.ts';
import { edgeMap, objectMasks } from '../../../../nodes/ml/world/sceneLabels.ts';
import { shapes } from '../../../../nodes/ml/world/words.ts';
import { guardLeaks, openTestDevice } from '../../../support/devices.ts';
import { parametersOf } from '../../../support/parametersOf.ts';
import { randomWeights } from '../../../support/randomWeights.ts';
import { smallUnetJson, smallWorldGenerator } from '../../../support/smallWorldGenerator.ts';

const adamW = {
  learningRate: 5e-3,
  beta1: 0.9,
  beta2: 0.99,
  epsilon: 1e-8,
  weightDecay: 0,
  clipNorm: 10,
  averageDecay: 0.9,
};

describe('controlNetTraining', () => {
  beforeAll(openTestDevice, 60_000);
  guardLeaks();

  it('starts as the U-Net alone and learns', async () => {
    const { tensors, weights } = randomWeights(unetShapes(unetConfig(smallUnetJson)));
    const unet = unet2DCondition(weights, unetConfig(smallUnetJson));
    const config = controlNetConfig(controlNetJson(smallUnetJson));
    const training = controlNetTraining({ seed: 1, batch: 2 }, config, smallWorldGenerator(unet));
    const start = await startFrom(layoutOf(controlNetShapes(config)), weights, randomStream(1));

    const parts = parametersOf(start, training.layout);
    const weightsNow = weightsOf(new Map(parts.map((part, i) => [training.layout[i]!.name, part])));
    const deaf = controlNetTraining(
      { seed: 1, batch: 2 },
      config,
      smallWorldGenerator((x, t, c) => unet(x, t, c)),
    );
    const batch = deaf.batch(0);
    const alone = tidy(() => batch.loss(weightsNow).dataSync()[0]!);
    batch.dispose();
    const state = toDevice(startAdamW(start), training.layout);
    const losses: number[] = [];
    for (let i = 0; i < 8; i++)
      losses.push(await trainStep({ ...training, batch: () => training.batch(0) }, state, adamW));
    expect(losses[0]).toBeCloseTo(alone, 5);
    expect(losses.at(-1)).toBeLessThan(0.9 * losses[0]!);
    disposeAdamW(state);
    dispose([...tensors.values(), ...parts]);
  });

  it('copies the U-Net, and begins fresh where it has no such layer', async () => {
    const { tensors, weights } = randomWeights(unetShapes(unetConfig(smallUnetJson)));
    const config = controlNetConfig(controlNetJson(smallUnetJson));
    const layout = layoutOf(controlNetShapes(config));
    const start = await startFrom(layoutOf(controlNetShapes(config)), weights, randomStream(1));
    const parts = parametersOf(start, layout);
    const valuesOf = async (name: string) => [...(await parts[layout.findIndex((each) => each.name === name)]!.data())];
    expect(await valuesOf('conv_in.weight')).toEqual([...(await weights.get('conv_in.weight').data())]);
    expect((await valuesOf('controlnet_down_blocks.1.weight')).every((value) => value === 0)).toBe(true);
    expect((await valuesOf('controlnet_cond_embedding.conv_out.weight')).every((value) => value === 0)).toBe(true);
    expect((await valuesOf('controlnet_cond_embedding.conv_in.weight')).some((value) => value !== 0)).toBe(true);
    dispose([...tensors.values(), ...parts]);
  });
});

describe('conditionImage', () => {
  it('shows classes in their colours, edges in white, and the nearest object white', () => {
    const scene = sampleScene(randomStream(5), 'two');
    const masks = objectMasks(scene.objects);
    const [classes, edges, depth] = (['segmentation', 'edges', 'depth'] as const).map((kind) =>
      conditionImage(kind, scene),
    ) as [Float32Array, Float32Array, Float32Array];
    const largest = Math.max(...scene.objects.map(({ radius }) => radius));
    const edge = edgeMap(masks);
    for (const [pixel, object] of masks.entries()) {
      const { shape, radius } = scene.objects[object - 1] ?? { shape: undefined, radius: 0 };
      const label = shape ? labelColour(1 + shapes.indexOf(shape)) : [0, 0, 0];
      for (const channel of [0, 1, 2]) {
        const at = pixel * 3 + channel;
        if (Math.abs(classes[at]! - label[channel]!) > 1e-6) expect.fail(`class of pixel ${pixel}`);
        if (edges[at] !== edge[pixel]) expect.fail(`edge of pixel ${pixel}`);
        if (Math.abs(depth[at]! - radius / largest) > 1e-6) expect.fail(`depth of pixel ${pixel}`);
      }
    }
    expect(new Set(masks)).toEqual(new Set([0, 1, 2]));
  });
});
