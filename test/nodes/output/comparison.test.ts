import { decode } from 'fast-png';
import { beforeAll, describe, expect, it } from 'vitest';
import { fill } from '../../../nodes/ml/tf.ts';
import { comparison } from '../../../nodes/output/comparison.ts';
import type { Images } from '../../../nodes/ports.ts';
import { nameImages } from '../../../nodes/select/nameImages.ts';
import { brightness } from '../../support/brightness.ts';
import { guardLeaks, openTestDevice } from '../../support/devices.ts';
import { nodeContext } from '../../support/nodeContext.ts';

const grey = (value: number, prompt: string): Images => ({ pixels: fill([1, 2, 2, 3], value), labels: [{ prompt }] });

describe('comparison', async () => {
  beforeAll(async () => void (await openTestDevice()));
  guardLeaks();

  it('has a row for each name and an image for each prompt and name', async () => {
    const { context, saved } = nodeContext();
    const made: [string, number, string][] = [
      ['plain', 0.2, 'dog'],
      ['plain', 0.4, 'cat'],
      ['better', 0.6, 'dog'],
      ['better', 1, 'cat'],
    ];
    const given = made.map(([name, value, prompt]) => ({ name, images: grey(value, prompt) }));
    const images = await Promise.all(
      given.map(async ({ name, images }) => (await nameImages.run({ images }, { name }, context)).images),
    );
    expect(images[2]?.labels).toEqual([{ prompt: 'dog', name: 'better' }]);
    await comparison.run({ images, rewards: [brightness] }, { name: 'c', enlarge: 1 }, context);
    expect(saved.map(({ name }) => name)).toEqual(['c.csv', 'c.json', 'c.png']);
    const rows = JSON.parse(new TextDecoder().decode(saved[1]!.bytes)) as {
      name: string;
      images: number;
      brightness: number;
    }[];
    expect(rows.map(({ name, images }) => [name, images])).toEqual([
      ['plain', 2],
      ['better', 2],
    ]);
    expect(rows[0]!.brightness).toBeCloseTo(0.3, 6);
    expect(rows[1]!.brightness).toBeCloseTo(0.8, 6);
    const png = decode(saved[2]!.bytes);
    expect([png.width, png.height]).toEqual([10, 10]);
    const at = (x: number, y: number) => png.data[(y * 10 + x) * 3];
    expect([at(2, 2), at(6, 2), at(2, 6), at(6, 6)]).toEqual([51, 153, 102, 255]); // dogs above cats, plain left
    for (const { images: each } of given) each.pixels.dispose();
    for (const each of images) each.pixels.dispose();
  });
});
