import { beforeAll, expect, it } from 'vitest';
import { loadGenerator } from '../../../nodes/ml/models/load/loadGenerator.ts';
import { type Tensor4D, tensor, tidy, transpose } from '../../../nodes/ml/tf.ts';
import { openSafetensors } from '../../../nodes/ml/weights/safetensors.ts';
import { swapDecoder } from '../../../nodes/model/swapDecoder.ts';
import type { Generator } from '../../../nodes/ports.ts';
import { guardLeaks, openTestDevice } from '../../support/devices.ts';
import { diskFiles as files, goldenFolder } from '../../support/golden.ts';
import { nodeContext } from '../../support/nodeContext.ts';
import { stripeGenerator } from '../../support/stripeGenerator.ts';

beforeAll(async () => void (await openTestDevice()));
guardLeaks();

it.each(['tiny', 'tiny_original/taesd_decoder.pth'])(
  'decodes as the reference does with TAESD from %s',
  async (model) => {
    const golden = await openSafetensors(files, `${goldenFolder('taesd')}/expected.safetensors`);
    const base = await loadGenerator(files, goldenFolder('tiny-sd-turbo'));
    const { generator } = await swapDecoder.run(
      { generator: base },
      { model: `${goldenFolder('taesd')}/${model}` },
      nodeContext({ files }).context,
    );
    const values = Float32Array.from((await golden.read('in.tiny.latents')) as Float32Array);
    const latents = tidy(() => transpose(tensor(values, [1, 4, 6, 4]) as Tensor4D, [0, 2, 3, 1]));
    const pixels = generator.decode(latents);
    const first = tidy(() => transpose(pixels, [0, 3, 1, 2]));
    const expected = Array.from(await golden.read('out.tiny.decoded'), Number);
    (await first.data()).forEach((value, i) => {
      expect(value).toBeCloseTo(Math.min(1, Math.max(0, expected[i]! / 2 + 0.5)), 4);
    });
    expect(generator.latentShape(64, 64)).toEqual(base.latentShape(64, 64));
    expect(generator.bytes).toBeLessThan(base.bytes);
    for (const tensor of [latents, pixels, first]) tensor.dispose();
    generator.dispose();
    base.dispose();
  },
);

it('tells of prompts what the generator below it tells', async () => {
  const below: Generator = {
    ...stripeGenerator(),
    latentShape: (width, height) => [height / 8, width / 8, 4],
    words: ['red'],
    unreadPart: () => 'the end',
  };
  const { context } = nodeContext({ files });
  const { generator } = await swapDecoder.run(
    { generator: below },
    { model: `${goldenFolder('taesd')}/tiny` },
    context,
  );
  expect(generator.words).toEqual(['red']);
  expect(generator.unreadPart!('red')).toBe('the end');
  generator.dispose();
});

it('refuses a decoder of other latents, and a file that is none', async () => {
  const { context } = nodeContext({ files });
  const generator = stripeGenerator(); // 3 channels, a pixel each
  const swap = (path: string) =>
    swapDecoder.run({ generator }, { model: `${goldenFolder('taesd')}/${path}` }, context) as Promise<unknown>;
  await expect(swap('tiny')).rejects.toMatchObject({
    code: 'DOES_NOT_FIT',
    message: expect.stringContaining('4 channels, 8 pixels each'),
  });
  await expect(swap('tiny_original/taesd_encoder.pth')).rejects.toMatchObject({ code: 'UNSUPPORTED' });
});
