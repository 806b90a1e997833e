import { parseArgs } from 'node:util';
import { devices } from '../../electron/devices/devices.ts';
import { worldLatents } from '../../electron/training/trainTextToImage.ts';
import { type DevicePreference, openDevice } from '../../nodes/ml/device.ts';
import { randomStream } from '../../nodes/ml/random.ts';
import { dispose, slice, type Tensor, zeros, zerosLike } from '../../nodes/ml/tf.ts';
import { startAdamW } from '../../nodes/ml/train/adamW.ts';
import { disposeAdamW, stepOnDevice, toDevice } from '../../nodes/ml/train/adamWOnDevice.ts';
import { initialise } from '../../nodes/ml/train/initialise.ts';
import { textToImageTraining } from '../../nodes/ml/train/textToImageTraining.ts';
import { lossAndGradients } from '../../nodes/ml/train/trainStep.ts';
import { measure, printFigures, printJson, printOperations, secondsOfProduct } from './speed/figures.ts';

/*
 * What a step of training the built-in text-to-image model takes, and its parts. Prints a table, then the same as JSON.
 *
 *   npm run bench -- train [--batch N] [--device NAME] [--rounds N] [--ops]
 */
const { values: options } = parseArgs({
  options: {
    batch: { type: 'string', default: '32' },
    device: { type: 'string', default: 'native' },
    rounds: { type: 'string', default: '7' },
    ops: { type: 'boolean', default: false },
  },
});
const settings = {
  learningRate: 1e-4,
  beta1: 0.9,
  beta2: 0.99,
  epsilon: 1e-8,
  weightDecay: 0.01,
  clipNorm: 1,
  averageDecay: 0.999,
};

const device = await openDevice(options.device as DevicePreference, devices);
const batch = Number(options.batch);
const training = textToImageTraining({ seed: 1, batch, captionDropout: 0.1 }, worldLatents());
const state = toDevice(startAdamW(initialise(training.layout, randomStream(1))), training.layout);
const still = state.parameters.map((parameter) => zerosLike(parameter));
const first = training.batch(0);
const known = { ...training, batch: () => ({ ...first, dispose() {} }) };
console.log(`On ${device.name}: ${device.description}; ${batch} images a step.\n`);

/** What stands for all results of a work is small, for reading it is measured as well. */
const update = (gradients: readonly Tensor[]) => {
  stepOnDevice(state, gradients, settings);
  return slice(state.m, 0, 1);
};
const figures = await measure(
  {
    batch: () => {
      training.batch(state.step).dispose();
      return zeros([1]);
    },
    'loss and gradient': () => {
      const { loss, gradients } = lossAndGradients(known, state);
      dispose(gradients);
      return loss;
    },
    'AdamW and average': () => update(still),
    'whole step': () => {
      const { loss, gradients } = lossAndGradients(training, state);
      update(gradients).dispose();
      dispose(gradients);
      return loss;
    },
  },
  Number(options.rounds),
);
printFigures(figures);
if (options.ops) printOperations(figures);
const whole = figures.at(-1)!;
console.log(`${(batch / whole.seconds).toFixed(1)} images a second\n`);
printJson({ bench: 'train', matMulGflops: 1e-9 / (await secondsOfProduct()), figures });
first.dispose();
training.dispose();
dispose(still);
disposeAdamW(state);
