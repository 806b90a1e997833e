import { beforeAll, describe, expect, it } from 'vitest';
import type { Device } from '../../../../nodes/ml/device.ts';
import { linearPatchAutoencoder, linearPatchConfig } from '../../../../nodes/ml/models/linearPatchAutoencoder.ts';
import { randomStream } from '../../../../nodes/ml/random.ts';
import { clipTokenizer } from '../../../../nodes/ml/text/clipTokenizer.ts';
import * as tf from '../../../../nodes/ml/tf.ts';
import { startAdamW } from '../../../../nodes/ml/train/adamW.ts';
import { disposeAdamW, toDevice } from '../../../../nodes/ml/train/adamWOnDevice.ts';
import { initialise } from '../../../../nodes/ml/train/initialise.ts';
import { textToImageConfigs as configs, PROMPT_LENGTH } from '../../../../nodes/ml/train/textToImage.ts';
import { textToImageTraining, worldBasis } from '../../../../nodes/ml/train/textToImageTraining.ts';
import { trainStep } from '../../../../nodes/ml/train/trainStep.ts';
import { weightsOf } from '../../../../nodes/ml/weights/weights.ts';
import { drawScene } from '../../../../nodes/ml/world/drawScene.ts';
import { sampleScene } from '../../../../nodes/ml/world/scene.ts';
import { captionWords } from '../../../../nodes/ml/world/words.ts';
import { guardLeaks, openTestDevice } from '../../../support/devices.ts';

const tokenizer = clipTokenizer(configs.vocabulary, {}, 'the built-in vocabulary');
const tokenize = (captions: readonly string[]) => captions.map((caption) => tokenizer.encode(caption, PROMPT_LENGTH));

describe('the vocabulary of the world', () => {
  it.each([...new Set(captionWords)])('has one token for "%s"', (word) => {
    const ids = tokenizer.encode(word, PROMPT_LENGTH);
    expect(ids.slice(2).every((id) => id === configs.textEncoder.eos_token_id)).toBe(true);
    expect(ids[1]).not.toBe(configs.textEncoder.eos_token_id);
  });

  it('has room for every caption', () => {
    const random = randomStream(3);
    const longest = Math.max(...Array.from({ length: 2000 }, () => sampleScene(random).caption.split(' ').length));
    expect(longest + 2).toBeLessThanOrEqual(PROMPT_LENGTH);
  });
});

describe('linearPatchAutoencoder', () => {
  beforeAll(openTestDevice);
  guardLeaks();

  it('gives back the images of the world within 2.5 % of their range', async () => {
    const { encoder, decoder } = worldBasis(1, 200);
    const [components, size] = [encoder.bias.length, decoder.bias.length];
    const weights = new Map<string, tf.Tensor>([
      ['encoder.weight', tf.tensor2d(encoder.weight, [components, size])],
      ['encoder.bias', tf.tensor1d(encoder.bias)],
      ['decoder.weight', tf.tensor2d(decoder.weight, [size, components])],
      ['decoder.bias', tf.tensor1d(decoder.bias)],
    ]);
    const autoencoder = linearPatchAutoencoder(weightsOf(weights), linearPatchConfig(configs.vae));
    const random = randomStream(77);
    const pixels = Array.from({ length: 8 }, () => drawScene(sampleScene(random)));
    const [latentShape, error] = tf.tidy(() => {
      const values = Float32Array.from(pixels.flatMap((image) => [...image].map((value) => value * 2 - 1)));
      const images = tf.tensor4d(values, [8, 64, 64, 3]);
      const latents = autoencoder.encode(images);
      return [latents.shape, tf.mean(tf.abs(tf.sub(autoencoder.decode(latents), images)))];
    });
    expect(latentShape).toEqual([8, 16, 16, 12]);
    expect((await error.data())[0]).toBeLessThan(0.025);
    tf.dispose([error, ...weights.values()]);
  });

  it('refuses an image that patches cannot tile', () => {
    const { encode } = linearPatchAutoencoder(weightsOf(new Map()), linearPatchConfig(configs.vae));
    expect(() => tf.tidy(() => encode(tf.zeros([1, 64, 62, 3])))).toThrow(
      'The image is 62x64; both sides must be multiples of 4.',
    );
  });

  it('refuses a config without sizes', () => {
    expect(() => linearPatchConfig({ ...configs.vae, patch_size: 0 })).toThrow('"patch_size" is 0');
  });
});

describe('textToImageTraining', () => {
  let device: Device;
  beforeAll(async () => {
    device = await openTestDevice();
  });
  guardLeaks();

  it('starts at the loss of predicting nothing and goes down on a batch that it sees again', async ({ skip }) => {
    skip(device.name !== 'native', 'six steps of the whole model take minutes without native TensorFlow');
    const alphas = Float32Array.from({ length: 1000 }, (_, t) => Math.cos((t / 1000) * (Math.PI / 2)) ** 2);
    const settings = { seed: 1, batch: 2, captionDropout: 0 };
    const fresh = textToImageTraining(settings, { basis: worldBasis(1, 50), tokenize, alphasCumprod: alphas });
    const training = { ...fresh, batch: () => fresh.batch(0) };
    const state = toDevice(startAdamW(initialise(training.layout, randomStream(1))), training.layout);
    const losses: number[] = [];
    for (let step = 0; step < 6; step++) {
      const loss = await trainStep(training, state, {
        learningRate: 2e-3,
        beta1: 0.9,
        beta2: 0.99,
        epsilon: 1e-8,
        weightDecay: 0,
        clipNorm: 1,
        averageDecay: 0.99,
      });
      losses.push(loss);
    }
    expect(losses[0]).toBeGreaterThan(0.7);
    expect(losses[0]).toBeLessThan(1.4);
    fresh.dispose();
    disposeAdamW(state);
    expect(losses[5]).toBeLessThan(0.95 * losses[0]!);
  });
});
