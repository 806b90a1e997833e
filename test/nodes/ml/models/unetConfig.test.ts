import { describe, expect, it } from 'vitest';
import { UserError } from '../../../../nodes/errors.ts';
import { controlNetConfig, controlNetShapes } from '../../../../nodes/ml/models/controlNet.ts';
import { unetShapes } from '../../../../nodes/ml/models/unet2DCondition.ts';
import { type Json, unetConfig } from '../../../../nodes/ml/models/unetConfig.ts';
import { openCheckpoint } from '../../../../nodes/ml/weights/openCheckpoint.ts';
import { diskFiles, goldenFolder } from '../../../support/golden.ts';

const sd15: Json = { cross_attention_dim: 768 };
const sd2: Json = { attention_head_dim: [5, 10, 20, 20], cross_attention_dim: 1024, use_linear_projection: true };
const sdxl: Json = {
  addition_embed_type: 'text_time',
  addition_time_embed_dim: 256,
  attention_head_dim: [5, 10, 20],
  block_out_channels: [320, 640, 1280],
  cross_attention_dim: 2048,
  down_block_types: ['DownBlock2D', 'CrossAttnDownBlock2D', 'CrossAttnDownBlock2D'],
  projection_class_embeddings_input_dim: 2816,
  transformer_layers_per_block: [1, 2, 10],
  up_block_types: ['CrossAttnUpBlock2D', 'CrossAttnUpBlock2D', 'UpBlock2D'],
  use_linear_projection: true,
};
const parameters = (shapes: ReadonlyMap<string, readonly number[]>) =>
  [...shapes.values()].reduce((sum, shape) => sum + shape.reduce((product, length) => product * length, 1), 0);

function thrownBy(f: () => unknown): UserError {
  try {
    f();
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('unetConfig', () => {
  it.each([
    ['SD 1.5', sd15, 859_520_964],
    ['SD 2', sd2, 865_910_724],
    ['SDXL', sdxl, 2_567_463_684],
  ])('%s: the published number of parameters', (_, json, count) => {
    expect(parameters(unetShapes(unetConfig(json)))).toBe(count);
  });

  it('the ControlNet of SD 1.5 has the published number of parameters', () => {
    expect(parameters(controlNetShapes(controlNetConfig(sd15)))).toBe(361_279_120);
  });

  it.each(['tiny-sd15/unet', 'tiny-sd-turbo/unet', 'tiny-sdxl-turbo/unet', 'tiny-controlnet'])(
    '%s: names and shapes are those of the file',
    async (model) => {
      const folder = goldenFolder(model);
      const file = (await diskFiles.list(folder))?.find((name) => /^diffusion.*\.safetensors$/.test(name));
      const json: Json = JSON.parse(new TextDecoder().decode(await diskFiles.read(`${folder}/config.json`)));
      const shapes =
        model === 'tiny-controlnet' ? controlNetShapes(controlNetConfig(json)) : unetShapes(unetConfig(json));
      const checkpoint = await openCheckpoint(diskFiles, `${folder}/${file}`);
      const stored = checkpoint.names().map((name) => [name, [...checkpoint.entry(name).shape]] as const);
      expect(Object.fromEntries(shapes)).toEqual(Object.fromEntries(stored));
    },
  );

  it('gives values per block and reverses them for the way up', () => {
    const config = unetConfig(sdxl);
    expect(config.layers_per_block).toEqual([2, 2, 2]);
    expect(config.up_transformer_layers).toEqual([10, 2, 1]);
    expect(config.time_embedding_dim).toBe(1280);
    expect(unetConfig({ ...sdxl, reverse_transformer_layers_per_block: [3, 2, 1] }).up_transformer_layers).toEqual([3, 2, 1]); // biome-ignore format: one line
  });

  const foreign: [field: string, value: unknown, named?: unknown][] = [
    ['class_embed_type', 'timestep'],
    ['down_block_types', ['DownBlock2D', 'AttnDownBlock2D', 'DownBlock2D', 'DownBlock2D'], 'AttnDownBlock2D'],
    ['mid_block_type', 'UNetMidBlock2DSimpleCrossAttn'],
    ['act_fn', 'gelu'],
    ['addition_embed_type', 'image'],
    ['time_cond_proj_dim', 256],
    ['transformer_layers_per_block', [[1, 1], 1, 1, 1]],
    ['downsample_padding', 2],
  ];
  it.each(foreign)('does not support %s = %j, and says so', (field, value, named = value) => {
    const error = thrownBy(() => unetConfig({ [field]: value }));
    expect(error.code).toBe('UNSUPPORTED');
    expect(error.message).toContain(`"${field}": ${JSON.stringify(named)}`);
  });

  it.each([
    [{ block_out_channels: [] }, '"block_out_channels" is []'],
    [{ block_out_channels: 320 }, '"block_out_channels" is 320'],
    [{ layers_per_block: [1, 2] }, '"layers_per_block" has 2 entries for 4 blocks'],
    [{ attention_head_dim: 0 }, '"attention_head_dim" is 0'],
    [{ block_out_channels: [32, 48], down_block_types: ['DownBlock2D', 'DownBlock2D'] }, 'does not divide the 48'],
    [{ down_block_types: ['DownBlock2D'] }, '"down_block_types" has 1 entries and "block_out_channels" 4'],
    [{ norm_eps: 'small' }, '"norm_eps" is "small"'],
    [{ addition_embed_type: 'text_time' }, '"addition_time_embed_dim" is missing'],
    [{ conv_in_kernel: 4 }, '"conv_in_kernel" is 4'],
  ])('refuses %j', (json, words) => {
    const error = thrownBy(() => unetConfig(json as Json));
    expect(error.code).toBe('BAD_CONFIG');
    expect(error.message).toContain(words);
  });
});
