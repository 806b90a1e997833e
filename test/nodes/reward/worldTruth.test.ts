import { expect, it } from 'vitest';
import { scoreImages } from '../../../nodes/ml/image/scoreImages.ts';
import { add, type Tensor4D, tensor4d } from '../../../nodes/ml/tf.ts';
import { worldTruth } from '../../../nodes/reward/worldTruth.ts';
import { describeOnDevices, guardLeaks } from '../../support/devices.ts';
import { nodeContext } from '../../support/nodeContext.ts';
import { truthImages } from '../../support/truthImages.ts';

await describeOnDevices('world truth', () => {
  guardLeaks();
  const reward = async () => (await worldTruth.run({}, {}, nodeContext().context)).reward;

  it('scores 1 for true captions and less for false ones, on tensors that were computed', async () => {
    const images = truthImages(6, 3);
    const flat = Float32Array.from(images.flatMap(({ pixels }) => [...pixels]));
    const [plain, zero] = [tensor4d(flat, [6, 64, 64, 3]), tensor4d(new Float32Array(flat.length), [6, 64, 64, 3])];
    const pixels = add(plain, zero) as Tensor4D;
    const own = await scoreImages(
      [await reward()],
      pixels,
      images.map(({ scene }) => scene.caption),
    );
    expect(own).toEqual(images.map(() => [1]));
    const wrong = await scoreImages(
      [await reward()],
      pixels,
      images.map(({ wrongCaption }) => wrongCaption),
    );
    for (const [score] of wrong) expect(score).toBeLessThan(1);
    for (const x of [plain, zero, pixels]) x.dispose();
  });

  it('refuses prompts and images that are not of the world', async () => {
    const pixels = tensor4d(new Float32Array(8 * 8 * 3), [1, 8, 8, 3]);
    const truth = await reward();
    await expect(scoreImages([truth], pixels, ['a dog'])).rejects.toMatchObject({ code: 'UNKNOWN_WORDS' });
    await expect(scoreImages([truth], pixels, ['a star'])).rejects.toMatchObject({ code: 'BAD_SIZE' });
    pixels.dispose();
  });
});
