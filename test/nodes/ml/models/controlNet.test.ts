import { expect, it } from 'vitest';
import { controlNet, controlNetConfig, controlNetShapes } from '../../../../nodes/ml/models/controlNet.ts';
import * as tf from '../../../../nodes/ml/tf.ts';
import { tinyControlNet } from '../../../../nodes/ml/verify/tinyControlNet.ts';
import { verifyFolder } from '../../../../nodes/ml/verify/verify.ts';
import { expectClose } from '../../../support/closeness.ts';
import { describeOnDevices, guardLeaks } from '../../../support/devices.ts';
import { diskFiles, goldenFolder } from '../../../support/golden.ts';
import { randomWeights } from '../../../support/randomWeights.ts';

const small = {
  in_channels: 3,
  block_out_channels: [8, 12],
  down_block_types: ['DownBlock2D', 'CrossAttnDownBlock2D'],
  conditioning_embedding_out_channels: [4, 5],
  layers_per_block: 1,
  attention_head_dim: 2,
  cross_attention_dim: 6,
  norm_num_groups: 4,
};

await describeOnDevices('ControlNetModel', (device) => {
  guardLeaks();
  it('golden family tiny-controlnet: residuals, guess mode, and gradients through both networks', {
    timeout: 600_000,
  }, async () => {
    const toleranceFactor = device().name === 'native' ? 1 : 10;
    const families = { 'tiny-controlnet': tinyControlNet };
    const report = await verifyFolder(goldenFolder('tiny-controlnet'), { files: diskFiles, toleranceFactor, families });
    expect(report.problems).toEqual([]);
    for (const row of report.rows) expect(row, JSON.stringify(row)).toMatchObject({ ok: true });
    expect(report.ok).toBe(true);
  });

  it('takes one image for a whole batch, pools and turns channels where the config says so, and scales', async ({
    skip,
  }) => {
    skip(device().name !== 'native', 'the golden family speaks for other devices');
    await expectClose(() => {
      const config = controlNetConfig(small);
      const { weights } = randomWeights(controlNetShapes(config));
      const sample = tf.randomNormal([2, 4, 6, 3], 0, 1, 'float32', 1) as tf.Tensor4D;
      const context = tf.randomNormal([2, 4, 6], 0, 1, 'float32', 2) as tf.Tensor3D;
      const image = tf.randomUniform([1, 8, 12, 3], 0, 1, 'float32', 3) as tf.Tensor4D;
      const input = { sample, timesteps: tf.tensor1d([5, 9]), context, image };
      const plain = controlNet(weights, config)(input);
      expect([...plain.down, plain.mid].map(({ shape }) => shape)).toEqual([
        [2, 4, 6, 8], [2, 4, 6, 8], [2, 2, 3, 8], [2, 2, 3, 12], [2, 2, 3, 12],
      ]); // biome-ignore format: shapes
      const doubled = tf.tile(image, [2, 1, 1, 1]);
      const bgr = { ...config, controlnet_conditioning_channel_order: 'bgr' as const };
      const pooling = { ...config, global_pool_conditions: true };
      const pooled = controlNet(weights, pooling)(input, { scale: 0.5, guessMode: true });
      return [
        [controlNet(weights, config)({ ...input, image: doubled }).mid, plain.mid, 1e-6],
        [controlNet(weights, bgr)({ ...input, image: tf.reverse(image, 3) }).mid, plain.mid, 1e-6],
        [pooled.mid, tf.mul(tf.mean(plain.mid, [1, 2], true), 0.5), 1e-6],
      ];
    });
  });

  it('takes images of red, green and blue, and refuses a config of others', () => {
    expect(() => controlNetConfig({ ...small, conditioning_channels: 6 })).toThrow(
      'This kind of ControlNetModel is not supported: its config has "conditioning_channels": 6.',
    );
  });

  it('says which image size the latents need, and leaves no tensors', () => {
    const config = controlNetConfig(small);
    const { tensors, weights } = randomWeights(controlNetShapes(config));
    const input = {
      sample: tf.zeros([1, 4, 6, 3]) as tf.Tensor4D,
      timesteps: tf.tensor1d([5]),
      context: tf.zeros([1, 4, 6]) as tf.Tensor3D,
      image: tf.zeros([1, 8, 8, 3]) as tf.Tensor4D,
    };
    const count = tf.memory().numTensors;
    expect(() => controlNet(weights, config)(input)).toThrow(
      'is 8x8 pixels; for these latents the ControlNet needs 12x8',
    );
    expect(tf.memory().numTensors).toBe(count);
    tf.dispose([...tensors.values(), ...Object.values(input)]);
  });
});
