import { beforeAll, describe, expect, it } from 'vitest';
import { applyAffine } from '../../../../../nodes/ml/models/affineHead.ts';
import { loadAesthetic, loadHead } from '../../../../../nodes/ml/models/load/loadAesthetic.ts';
import { aestheticScore } from '../../../../../nodes/ml/rewards/aestheticScore.ts';
import * as tf from '../../../../../nodes/ml/tf.ts';
import { loadWeights } from '../../../../../nodes/ml/weights/loadWeights.ts';
import { openCheckpoint } from '../../../../../nodes/ml/weights/openCheckpoint.ts';
import { writeSafetensors } from '../../../../../nodes/ml/weights/writeSafetensors.ts';
import { expectClose, gradientPair } from '../../../../support/closeness.ts';
import { guardLeaks, openTestDevice } from '../../../../support/devices.ts';
import { diskFiles, goldenFolder } from '../../../../support/golden.ts';
import { memoryFiles } from '../../../../support/memoryFiles.ts';
import type { Tensors } from '../../../../support/tinyModels.ts';

beforeAll(async () => {
  await openTestDevice();
}, 120_000);
guardLeaks();

const published = `${goldenFolder('aesthetic')}/real/ava+logos-l14-linearMSE.pth`;

describe('the aesthetic head', () => {
  it('is the published layers one after the other', async () => {
    const head = await loadHead(diskFiles, published);
    const layers = await loadWeights(await openCheckpoint(diskFiles, published));
    await expectClose(() => {
      const x = tf.randomNormal([5, 768], 0, 1, 'float32', 1) as tf.Tensor2D;
      let y = x;
      for (const i of [0, 2, 4, 6, 7])
        y = tf.add(
          tf.matMul(y, layers.get(`layers.${i}.weight`) as tf.Tensor2D, false, true),
          layers.get(`layers.${i}.bias`)!,
        );
      return [[applyAffine(x, head), tf.reshape(y, [5]), 1e-5]];
    });
    expect(head.bytes).toBe(769 * 4);
    tf.dispose([...layers.values()]);
    head.dispose();
  });

  it('scores by direction alone, with the gradient of finite differences and a finite one at zero', async () => {
    const head = await loadHead(diskFiles, published);
    await expectClose(() => {
      const x = tf.randomNormal([2, 768], 0, 1, 'float32', 1) as tf.Tensor2D;
      const loss = (features: tf.Tensor) => tf.sum(aestheticScore(features as tf.Tensor2D, head));
      const zero = tf.zeros([1, 768]) as tf.Tensor2D;
      return [
        [aestheticScore(tf.mul(x, 7), head), aestheticScore(x, head), 1e-5],
        gradientPair((features) => tf.mul(loss(features), 100), x, tf.mul(tf.grad(loss)(x), 100), 0.05),
        [aestheticScore(zero, head), tf.mul(head.bias, 1), 1e-6],
        [tf.cast(tf.isFinite(tf.sum(tf.grad(loss)(zero))), 'float32'), tf.scalar(1), 1e-6],
      ];
    });
    head.dispose();
  });

  it('may be one linear layer, alone or in a folder, as v1 was', async () => {
    const values = Float32Array.from({ length: 6 }, (_, i) => i);
    const layer = writeSafetensors(
      new Map([
        ['linear.weight', { dtype: 'F32', shape: [1, 6], values }],
        ['linear.bias', { dtype: 'F32', shape: [1], values: Float32Array.of(5) }],
      ]),
    );
    const files = memoryFiles({ 'head/model.safetensors': layer, 'head/README.md': 'x' });
    const head = await loadHead(files, 'head');
    await expectClose(() => [[applyAffine(tf.ones([1, 6]), head), tf.tensor1d([20]), 1e-6]]);
    head.dispose();
  });

  it('says what does not fit', async () => {
    const at = (names: string[]) => {
      const tensors: Tensors = new Map();
      for (const name of names) {
        tensors.set(`${name}.weight`, { dtype: 'F32', shape: [1, 1], values: Float32Array.of(1) });
        tensors.set(`${name}.bias`, { dtype: 'F32', shape: [1], values: Float32Array.of(1) });
      }
      return memoryFiles({ 'x.safetensors': writeSafetensors(tensors) });
    };
    await expect(loadHead(at(['layers.0', 'layers.3']), 'x.safetensors')).rejects.toThrow(
      'has activations between its layers (0, 3)',
    );
    await expect(loadHead(at(['a', 'b']), 'x.safetensors')).rejects.toThrow(
      'holds no head of linear layers: it has no layers.0.weight among its 4 tensors; it has b.bias',
    );
    const other = { head: published, clip: goldenFolder('clip-hf/clip') };
    await expect(loadAesthetic(diskFiles, other)).rejects.toThrow('reads 768 features and "clip" gives 24');
    const hostile = goldenFolder('checkpoint-formats/hostile/zip_builtins_exec.pt');
    await expect(loadHead(diskFiles, hostile)).rejects.toMatchObject({ code: 'BAD_CHECKPOINT' });
  });
});
