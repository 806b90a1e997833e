import { beforeAll, describe, expect, it } from 'vitest';
import type { Device } from '../../../../nodes/ml/device.ts';
import { randomStream } from '../../../../nodes/ml/random.ts';
import { clipTokenizer } from '../../../../nodes/ml/text/clipTokenizer.ts';
import * as tf from '../../../../nodes/ml/tf.ts';
import { consistencyDistillation } from '../../../../nodes/ml/train/consistencyDistillation.ts';
import { distributionMatching } from '../../../../nodes/ml/train/distributionMatching.ts';
import type { ParameterLayout } from '../../../../nodes/ml/train/flatParameters.ts';
import { initialise } from '../../../../nodes/ml/train/initialise.ts';
import { textToImageConfigs as configs, PROMPT_LENGTH } from '../../../../nodes/ml/train/textToImage.ts';
import {
  textLayout,
  unetLayout,
  type WorldLatents,
  worldBasis,
} from '../../../../nodes/ml/train/textToImageTraining.ts';
import type { Training } from '../../../../nodes/ml/train/trainStep.ts';
import { type Weights, weightsOf } from '../../../../nodes/ml/weights/weights.ts';
import { guardLeaks, openTestDevice } from '../../../support/devices.ts';
import { parametersOf } from '../../../support/parametersOf.ts';

const tokenizer = clipTokenizer(configs.vocabulary, {}, 'the built-in vocabulary');
const world = (): WorldLatents => ({
  basis: worldBasis(1, 20),
  tokenize: (captions) => captions.map((caption) => tokenizer.encode(caption, PROMPT_LENGTH)),
  alphasCumprod: Float32Array.from({ length: 1000 }, (_, t) => Math.cos(((t + 1) / 1001) * (Math.PI / 2)) ** 2),
});

/** A teacher with nothing at zero, and the training's parameters with the teacher's values, once or once a network. */
function start(layoutOf: (teacher: Weights) => Training) {
  const layout: ParameterLayout = [...textLayout, ...unetLayout];
  const random = randomStream(5);
  const values = initialise(layout, random).map((value) => value || 0.02 * random.normal());
  const tensors = new Map(parametersOf(values, layout).map((tensor, i) => [layout[i]!.name, tensor]));
  const training = layoutOf(weightsOf(tensors));
  const parameters = training.layout.map(({ name }) => tf.clone(tensors.get(name.replace('follower.', ''))!));
  const lossOf = (batch: ReturnType<Training['batch']>, given: readonly tf.Tensor[]) =>
    batch.loss(weightsOf(new Map(training.layout.map(({ name }, i) => [name, given[i]!]))));
  return {
    training,
    parameters,
    lossOf,
    free() {
      training.dispose();
      tf.dispose([...parameters, ...tensors.values()]);
    },
  };
}

describe('the trainings of a one-step generator', () => {
  let device: Device;
  beforeAll(async () => {
    device = await openTestDevice();
  });
  guardLeaks();

  it('consistency: a student that is its teacher already agrees with one jump of it, but not with a guided one', async ({
    skip,
  }) => {
    skip(device.name !== 'native', 'the whole model takes minutes without native TensorFlow');
    const losses: number[] = [];
    for (const guidanceScale of [1, 3]) {
      const settings = { seed: 1, batch: 2, segments: 1, guidanceScale };
      const { training, parameters, lossOf, free } = start((teacher) =>
        consistencyDistillation(settings, world(), teacher),
      );
      const batch = training.batch(0);
      const loss = tf.tidy(() => lossOf(batch, parameters));
      losses.push((await loss.data())[0]!);
      loss.dispose();
      batch.dispose();
      free();
    }
    expect(losses[0]).toBeLessThan(1e-8);
    expect(losses[1]).toBeGreaterThan(1e-5);
  });

  it('distribution matching: the generator is pulled where the teacher and its follower differ, and nowhere else', async ({
    skip,
  }) => {
    skip(device.name !== 'native', 'the whole model takes minutes without native TensorFlow');
    for (const guidanceScale of [1, 3]) {
      const settings = { seed: 1, batch: 2, guidanceScale };
      const { training, parameters, lossOf, free } = start((teacher) =>
        distributionMatching(settings, world(), teacher),
      );
      const batch = training.batch(0);
      const { value, grads } = tf.valueAndGrads((...given: tf.Tensor[]) => lossOf(batch, given))(parameters);
      const lengths = tf.tidy(() => {
        const lengthOf = (part: tf.Tensor[]) => tf.sqrt(tf.addN(part.map((g) => tf.sum(tf.square(g)))));
        return tf.stack([lengthOf(grads.slice(0, unetLayout.length)), lengthOf(grads.slice(unetLayout.length))]);
      });
      const [generator, follower] = await lengths.data();
      if (guidanceScale === 1) expect(generator).toBeLessThan(1e-4);
      else expect(generator).toBeGreaterThan(1e-3);
      expect(follower).toBeGreaterThan(1e-2);
      tf.dispose([value, lengths, ...grads]);
      batch.dispose();
      free();
    }
  });

  it('distribution matching: every other step the follower learns alone', ({ skip }) => {
    skip(device.name !== 'native', 'the whole model takes minutes without native TensorFlow');
    const settings = { seed: 1, batch: 1, guidanceScale: 3 };
    const { training, parameters, lossOf, free } = start((teacher) => distributionMatching(settings, world(), teacher));
    const batch = training.batch(1);
    expect(training.layout.filter(({ name }) => batch.trains?.(name)).length).toBe(unetLayout.length);
    const loss = (...given: tf.Tensor[]) => lossOf(batch, [...parameters.slice(0, unetLayout.length), ...given]);
    const { value, grads } = tf.valueAndGrads(loss)(parameters.slice(unetLayout.length));
    expect(grads.length).toBe(unetLayout.length);
    tf.dispose([value, ...grads]);
    batch.dispose();
    free();
  });
});
