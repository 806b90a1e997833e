import { expect, it } from 'vitest';
import { type DeviceBackend, type DeviceName, openDevice } from '../../../nodes/ml/device.ts';
import { registerBackend, removeBackend } from '../../../nodes/ml/tf.ts';

/** A device that starts, or refuses with a sentence, and writes down whether it was asked for by name. */
function device(name: DeviceName, outcome: 'starts' | string, asked: [DeviceName, boolean][] = []): DeviceBackend {
  return {
    name,
    async open(byName) {
      asked.push([name, byName]);
      if (outcome !== 'starts') throw new Error(outcome);
      registerBackend(`test-${name}`, () => ({ dispose() {} }) as never);
      return { backend: `test-${name}`, description: `the ${name} one`, memory: {} };
    },
  };
}

it('takes the first that starts, in its own order, and says why the ones before it did not', async () => {
  const asked: [DeviceName, boolean][] = [];
  const offers = [
    device('wasm', 'starts', asked),
    device('native', 'Not set up.', asked),
    device('webgpu', 'No card.', asked),
  ];
  const opened = await openDevice('auto', offers);
  expect(opened).toEqual({
    name: 'wasm',
    description: 'the wasm one',
    memory: {},
    toleranceFactor: 10,
    refused: [
      { name: 'cuda', reason: 'It is not offered here.' },
      { name: 'native', reason: 'Not set up.' },
      { name: 'webgpu', reason: 'No card.' },
    ],
  });
  expect(asked).toEqual([
    ['native', false],
    ['webgpu', false],
    ['wasm', false],
  ]);
  removeBackend('test-wasm');
});

it('tries only the one that is named, and tells it so', async () => {
  const asked: [DeviceName, boolean][] = [];
  const opened = await openDevice('native', [device('wasm', 'starts', asked), device('native', 'starts', asked)]);
  expect(opened).toMatchObject({ name: 'native', refused: [], toleranceFactor: 1 });
  expect(asked).toEqual([['native', true]]);
  removeBackend('test-native');
});

it('refuses with the reason and what to do', async () => {
  await expect(openDevice('native', [device('native', 'Not set up.')])).rejects.toMatchObject({
    code: 'NO_DEVICE',
    message: "The device 'native' could not be started: Not set up. Or use the device 'auto'.",
  });
  await expect(openDevice('auto', [])).rejects.toMatchObject({ code: 'NO_DEVICE' });
});
