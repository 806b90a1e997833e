import { beforeAll, describe, expect, it } from 'vitest';
import {
  autoencoderKL,
  autoencoderKLConfig,
  autoencoderKLShapes,
  currentAutoencoderName,
} from '../../../../nodes/ml/models/autoencoderKL.ts';
import { randomStream } from '../../../../nodes/ml/random.ts';
import {
  dispose,
  grad,
  memory,
  mul,
  randomNormal,
  sum,
  type Tensor,
  type Tensor4D,
  tensor,
  tidy,
} from '../../../../nodes/ml/tf.ts';
import { weightsOf } from '../../../../nodes/ml/weights/weights.ts';
import { guardLeaks, openTestDevice } from '../../../support/devices.ts';

beforeAll(async () => {
  await openTestDevice();
});
guardLeaks();

const json = { block_out_channels: [4, 6], norm_num_groups: 2, latent_channels: 2, layers_per_block: 1 };

function withModel(
  changes: object,
  use: (model: ReturnType<typeof autoencoderKL>, names: readonly string[]) => void,
  recompute = false,
): void {
  const config = autoencoderKLConfig({
    ...json,
    down_block_types: ['DownEncoderBlock2D', 'DownEncoderBlock2D'],
    up_block_types: ['UpDecoderBlock2D', 'UpDecoderBlock2D'],
    ...changes,
  });
  const random = randomStream(4);
  const tensors = new Map<string, Tensor>();
  for (const [name, shape] of autoencoderKLShapes(config)) {
    const placed = shape.length === 4 ? [shape[2]!, shape[3]!, shape[1]!, shape[0]!] : [...shape];
    const count = placed.reduce((a, b) => a * b, 1);
    tensors.set(
      name,
      tensor(
        Float32Array.from({ length: count }, () => 0.3 * random.normal()),
        placed,
      ),
    );
  }
  use(autoencoderKL(weightsOf(tensors), config, { recompute }), [...tensors.keys()]);
  dispose([...tensors.values()]);
}
const random = (shape: [number, number, number, number], seed: number) =>
  randomNormal(shape, 0, 1, 'float32', seed) as Tensor4D;

describe('autoencoderKL', () => {
  it.each([true, false])('encoding has the gradient that finite differences give (recomputed: %s)', (recompute) =>
    withModel(
      {},
      ({ encode }) =>
        tidy(() => {
          const weight = random([1, 3, 2, 2], 2);
          const loss = (pixels: Tensor) => sum(mul(encode(pixels as Tensor4D).mean, weight));
          const pixels = random([1, 6, 4, 3], 1);
          const slope = grad(loss)(pixels).dataSync();
          const values = pixels.dataSync();
          for (const i of [0, 13, 70]) {
            const at = (delta: number) => {
              const moved = values.slice();
              moved[i]! += delta;
              return loss(tensor(moved, pixels.shape)).dataSync()[0]!;
            };
            const expected = (at(0.01) - at(-0.01)) / 0.02;
            expect(Math.abs(slope[i]! - expected)).toBeLessThan(0.02 * Math.max(...slope.map(Math.abs)));
          }
        }),
      recompute,
    ),
  );

  it('can do without the 1x1 convolutions and without attention', () => {
    const changes = { use_quant_conv: false, use_post_quant_conv: false, mid_block_add_attention: false };
    withModel(changes, ({ encode, decode }, names) => {
      expect(names.filter((name) => /quant|attentions/.test(name))).toEqual([]);
      const shapes = tidy(() => [encode(random([1, 4, 4, 3], 1)).mean.shape, decode(random([2, 3, 2, 2], 1)).shape]);
      expect(shapes).toEqual([
        [1, 2, 2, 2],
        [2, 6, 4, 3],
      ]);
    });
  });

  it('leaves nothing but the image when it decodes', () =>
    withModel({}, ({ decode }) => {
      const latents = random([1, 16, 16, 2], 1);
      const before = memory().numBytes;
      const image = decode(latents);
      expect(memory().numBytes - before).toBe(4 * 32 * 32 * 3);
      dispose([latents, image]);
    }));

  it('knows the old names of the attention', () => {
    const old = 'encoder.mid_block.attentions.0';
    expect(
      ['query.weight', 'key.bias', 'value.weight', 'proj_attn.bias', 'group_norm.bias'].map((name) =>
        currentAutoencoderName(`${old}.${name}`),
      ),
    ).toEqual(
      ['to_q.weight', 'to_k.bias', 'to_v.weight', 'to_out.0.bias', 'group_norm.bias'].map((name) => `${old}.${name}`),
    );
  });

  it('refuses configs it does not know by name and value', () => {
    expect(() => autoencoderKLConfig({ down_block_types: ['AttnDownEncoderBlock2D'] })).toThrow(
      'AttnDownEncoderBlock2D',
    );
    expect(() => autoencoderKLConfig({ latents_mean: [0.1] })).toThrow(
      '"latents_mean" is [0.1] and "latents_std" null',
    );
  });
});
