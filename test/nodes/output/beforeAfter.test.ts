import { decode } from 'fast-png';
import { beforeAll, expect, it } from 'vitest';
import { dispose, fill, type Tensor4D } from '../../../nodes/ml/tf.ts';
import { beforeAfter } from '../../../nodes/output/beforeAfter.ts';
import { guardLeaks, openTestDevice } from '../../support/devices.ts';
import { nodeContext } from '../../support/nodeContext.ts';

beforeAll(async () => void (await openTestDevice()));
guardLeaks();

const plain = (count: number, value: number) => ({
  pixels: fill([count, 2, 3, 3], value) as Tensor4D,
  labels: Array.from({ length: count }, () => ({ prompt: 'p' })),
});

it('puts each image beside what became of it', async () => {
  const { context, saved } = nodeContext();
  const [before, after] = [plain(2, 0), plain(2, 0.6)];
  await beforeAfter.run({ before, after }, { name: 'pair', enlarge: 2 }, context);
  expect(saved.map(({ name }) => name)).toEqual(['pair.png']);
  const { width, height, data } = decode(saved[0]!.bytes);
  expect([width, height]).toEqual([2 * 6 + 3 * 4, 2 * 4 + 3 * 4]);
  const at = (x: number, y: number) => data[(y * width + x) * 3];
  expect([at(5, 5), at(15, 5), at(5, 13), at(15, 13), at(1, 1), at(11, 5)]).toEqual([0, 153, 0, 153, 255, 255]);
  dispose([before.pixels, after.pixels]);
});

it('refuses images without a partner', async () => {
  const [before, after] = [plain(2, 0), plain(1, 0)];
  const run = beforeAfter.run({ before, after }, { name: 'pair', enlarge: 1 }, nodeContext().context);
  await expect(run).rejects.toMatchObject({ code: 'ROWS_DIFFER', at: { port: 'after' } });
  dispose([before.pixels, after.pixels]);
});
