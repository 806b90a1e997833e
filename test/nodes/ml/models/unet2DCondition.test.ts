import { describe, expect, it } from 'vitest';
import { unet2DCondition, unetShapes } from '../../../../nodes/ml/models/unet2DCondition.ts';
import type { MemoryOptions } from '../../../../nodes/ml/models/unetBlocks.ts';
import { type Json, unetConfig } from '../../../../nodes/ml/models/unetConfig.ts';
import * as tf from '../../../../nodes/ml/tf.ts';
import type { Family } from '../../../../nodes/ml/verify/family.ts';
import { unetOutputs } from '../../../../nodes/ml/verify/unetOutputs.ts';
import { verifyFolder } from '../../../../nodes/ml/verify/verify.ts';
import { loadWeights } from '../../../../nodes/ml/weights/loadWeights.ts';
import { openCheckpoint } from '../../../../nodes/ml/weights/openCheckpoint.ts';
import { weightsOf } from '../../../../nodes/ml/weights/weights.ts';
import { expectClose, gradientPair, type Pair } from '../../../support/closeness.ts';
import { describeOnDevices, guardLeaks } from '../../../support/devices.ts';
import { diskFiles, goldenFolder } from '../../../support/golden.ts';
import { randomWeights } from '../../../support/randomWeights.ts';

const unetFamily =
  (memory: MemoryOptions): Family =>
  async ({ path, ...golden }) => {
    const names = (await diskFiles.list(`${path}/unet`)) ?? [];
    const file = names.find((name) => name.endsWith('.safetensors'));
    const json: Json = JSON.parse(new TextDecoder().decode(await diskFiles.read(`${path}/unet/config.json`)));
    const tensors = await loadWeights(await openCheckpoint(diskFiles, `${path}/unet/${file}`));
    unetOutputs({ path, ...golden }, weightsOf(tensors), unetConfig(json), memory);
    tf.dispose([...tensors.values()]);
  };

const ways: Record<string, MemoryOptions> = {
  'keeping activations': {},
  'recomputing blocks, attention in slices': { recompute: true, sliceBytes: 4000 },
};

const small: Json = {
  in_channels: 3,
  out_channels: 5,
  block_out_channels: [8, 12],
  down_block_types: ['CrossAttnDownBlock2D', 'CrossAttnDownBlock2D'],
  up_block_types: ['UpBlock2D', 'CrossAttnUpBlock2D'],
  layers_per_block: [1, 2],
  attention_head_dim: [2, 3],
  cross_attention_dim: 6,
  norm_num_groups: 4,
  use_linear_projection: true,
};
const configs: Record<string, Json> = {
  'two levels, unequal': small,
  'one level': {
    ...small,
    block_out_channels: [8],
    down_block_types: ['CrossAttnDownBlock2D'],
    up_block_types: ['CrossAttnUpBlock2D'],
    layers_per_block: 1,
    attention_head_dim: 2,
    conv_out_kernel: 1,
  },
  'the prompt beside the time': { ...small, addition_embed_type: 'text', addition_embed_type_num_heads: 3 },
  'no attention, no middle block': {
    ...small,
    down_block_types: ['DownBlock2D', 'DownBlock2D'],
    up_block_types: ['UpBlock2D', 'UpBlock2D'],
    mid_block_type: null,
    downsample_padding: 0,
  },
  'three levels, heads that do not divide the channels': {
    ...small,
    block_out_channels: [8, 12, 16],
    down_block_types: ['DownBlock2D', 'CrossAttnDownBlock2D', 'DownBlock2D'],
    up_block_types: ['CrossAttnUpBlock2D', 'UpBlock2D', 'CrossAttnUpBlock2D'],
    layers_per_block: 1,
    attention_head_dim: [3, 5, 3],
    transformer_layers_per_block: [1, 2, 1],
    mid_block_type: 'UNetMidBlock2D',
    mid_block_scale_factor: 1.5,
    use_linear_projection: false,
    flip_sin_to_cos: false,
    freq_shift: 1,
  },
};
const inputsOf = (batch: number, height: number, width: number) =>
  tf.tidy(() => ({
    sample: tf.randomNormal([batch, height, width, 3], 0, 1, 'float32', 1) as tf.Tensor4D,
    timesteps: tf.tensor1d([7, 431, 999].slice(0, batch)),
    context: tf.randomNormal([batch, 4, 6], 0, 1, 'float32', 2) as tf.Tensor3D,
  }));

await describeOnDevices('UNet2DConditionModel', (device) => {
  guardLeaks();

  for (const family of ['tiny-sd15', 'tiny-sd-turbo', 'tiny-sdxl-turbo'])
    it.for(Object.entries(ways))(
      `${family}: values and gradients are the reference's, %s`,
      { timeout: 600_000 },
      async ([, memory], { skip }) => {
        // Software WebGPU takes minutes to translate shaders: the largest family once, with all memory options, has to do.
        skip(device().name === 'webgpu' && !(family === 'tiny-sdxl-turbo' && memory.recompute), 'too slow in software');
        const report = await verifyFolder(goldenFolder(family), {
          files: diskFiles,
          toleranceFactor: device().name === 'native' ? 1 : 10,
          families: { [family]: unetFamily(memory) },
        });
        const rows = report.rows.filter(({ name }) => name.startsWith('out.unet.'));
        expect(report.problems).toEqual([]);
        expect(rows.length).toBeGreaterThan(3);
        for (const row of rows) expect(row, JSON.stringify(row)).toMatchObject({ ok: true });
      },
    );

  describe.each(Object.entries(configs))('%s', (_, json) => {
    const config = unetConfig(json);

    it('treats images of odd sizes one by one, with the slopes that finite differences show', async ({ skip }) => {
      skip(device().name !== 'native', 'the golden families speak for other devices');
      await expectClose(() => {
        const { weights } = randomWeights(unetShapes(config));
        const { sample, timesteps, context } = inputsOf(2, 5, 7);
        const unet = unet2DCondition(weights, config);
        const both = unet(sample, timesteps, context);
        const second = unet(tf.slice(sample, 1, 1), 431, tf.slice(context, 1, 1));

        const dy = tf.randomNormal([2, 5, 7, 5], 0, 1, 'float32', 3);
        const usesContext = JSON.stringify(json).includes('CrossAttn');
        const inputs: tf.Tensor[] = usesContext ? [sample, context] : [sample];
        const lossOf =
          (model: typeof unet) =>
          (x: tf.Tensor, text: tf.Tensor = context) =>
            tf.sum(tf.mul(model(x as tf.Tensor4D, timesteps, text as tf.Tensor3D), dy));
        const loss = lossOf(unet) as (...inputs: tf.Tensor[]) => tf.Tensor;
        const thrifty = unet2DCondition(weights, config, { recompute: true, sliceBytes: 1200 });
        const slopes = tf.grads(loss)(inputs);
        const again = tf.grads(lossOf(thrifty) as typeof loss)(inputs);
        return [
          [second, tf.slice(both, 1, 1), 1e-5],
          ...slopes.map((slope, i): Pair => [again[i] as tf.Tensor, slope, 1e-5]),
          ...slopes.map(
            (slope, i): Pair =>
              gradientPair((moved) => loss(...inputs.with(i, moved)), inputs[i] as tf.Tensor, slope, 3e-3),
          ),
        ];
      });
    });

    it('has a gradient for every weight, with the slope that finite differences show', async ({ skip }) => {
      skip(device().name !== 'native', 'models are trained on native TensorFlow');
      await expectClose(() => {
        const { tensors } = randomWeights(unetShapes(config));
        const { sample, timesteps, context } = inputsOf(2, 4, 4);
        const start = [...tensors.values()];
        const loss = (...values: tf.Tensor[]) => {
          const weights = weightsOf(new Map([...tensors.keys()].map((name, i) => [name, values[i] as tf.Tensor])));
          return tf.mean(tf.square(unet2DCondition(weights, config)(sample, timesteps, context)));
        };
        // All weights as one vector: one direction through all of them at once.
        const flat = tf.concat(start.map((tensor) => tf.reshape(tensor, [-1])));
        const pieces = (vector: tf.Tensor) =>
          tf
            .split(
              vector,
              start.map((tensor) => tensor.size),
            )
            .map((piece, i) => tf.reshape(piece, start[i]?.shape ?? []));
        const slopes = tf.grads(loss)(start);
        const slope = tf.concat(slopes.map((each) => tf.reshape(each, [-1])));
        return [gradientPair((moved) => loss(...pieces(moved)), flat, slope, 3e-4)];
      });
    });
  });

  it('says that text encoder and U-Net do not belong together, or that a condition is missing, and leaves no tensors', () => {
    const { tensors, weights } = randomWeights(unetShapes(unetConfig(small)));
    const { sample, timesteps, context } = inputsOf(1, 4, 4);
    const wide = tf.zeros([1, 4, 9]) as tf.Tensor3D;
    const count = tf.memory().numTensors;
    expect(() => unet2DCondition(weights, unetConfig(small))(sample, timesteps, wide)).toThrow(
      'The text embedding is 9 wide; this model needs 6.',
    );
    const withTextTime = { addition_embed_type: 'text_time', addition_time_embed_dim: 4, projection_class_embeddings_input_dim: 30 }; // biome-ignore format: one line
    const sdxl = unet2DCondition(weights, unetConfig({ ...small, ...withTextTime }));
    expect(() => sdxl(sample, timesteps, context)).toThrow('pooled text embedding');
    const incomplete = weightsOf(
      new Map([...tensors].filter(([name]) => name !== 'up_blocks.1.resnets.0.conv1.weight')),
    );
    expect(() => unet2DCondition(incomplete, unetConfig(small))(sample, timesteps, context)).toThrow(
      'The checkpoint has no tensor "up_blocks.1.resnets.0.conv1.weight".',
    );
    const residuals = [tf.zeros([1, 4, 4, 8])] as tf.Tensor4D[];
    expect(() => unet2DCondition(weights, unetConfig(small))(sample, timesteps, context, { downResiduals: residuals })).toThrow('The ControlNet gives 1 residuals; this U-Net has 5 skip connections.'); // biome-ignore format: one line
    tf.dispose(residuals);
    expect(tf.memory().numTensors).toBe(count);
    tf.dispose([...tensors.values(), sample, timesteps, context, wide]);
  });
});
