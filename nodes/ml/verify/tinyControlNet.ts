import { UserError } from '../../errors.ts';
import { joinPath } from '../../files.ts';
import { conditionEmbedding, controlNet, controlNetConfig } from '../models/controlNet.ts';
import { unet2DCondition } from '../models/unet2DCondition.ts';
import { unetConfig } from '../models/unetConfig.ts';
import {
  dispose,
  grads,
  mul,
  slice,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor3D,
  type Tensor4D,
  tidy,
} from '../tf.ts';
import { loadWeights } from '../weights/loadWeights.ts';
import { openCheckpoint } from '../weights/openCheckpoint.ts';
import { type Weights, weightsOf } from '../weights/weights.ts';
import { channelsFirst, channelsLast, readStride, thinned } from './channels.ts';
import type { Family, GoldenFolder } from './family.ts';
import { locateShared } from './goldenPath.ts';

/** A ControlNet's residuals, the prediction of the U-Net they steer, and gradients through both. */
export const tinyControlNet: Family = async (golden) => {
  await withModel(golden, golden.path, (weights, json) =>
    withModel(golden, String(golden.settings.unet ?? '../tiny-sd15/unet'), (unetWeights, unetJson) => {
      const memory = { recompute: true };
      const config = controlNetConfig(json);
      outputs(
        golden,
        controlNet(weights, config, memory),
        unet2DCondition(unetWeights, unetConfig(unetJson), memory),
        (image) => conditionEmbedding(image, weights, config),
      );
    }),
  );
};

function outputs(
  golden: GoldenFolder,
  control: ReturnType<typeof controlNet>,
  unet: ReturnType<typeof unet2DCondition>,
  embed: (image: Tensor4D) => Tensor4D,
): void {
  const timesteps = golden.input('in.timestep') as Tensor1D;
  const context = golden.input('in.context') as Tensor3D;
  const scale = Number(golden.settings.conditioning_scale ?? 1);
  const [sample, image, weight] = tidy(() =>
    ['in.sample', 'in.condition', 'in.output_weight'].map((name) => channelsLast(golden.input(name))),
  ) as [Tensor4D, Tensor4D, Tensor4D];
  const row = (name: string) => golden.wanted.find((each) => each.name === name);
  const output = (name: string, compute: () => Tensor) => {
    const wanted = row(name);
    if (!wanted) return;
    const result = tidy(() => {
      const whole = channelsFirst(compute());
      return thinned(whole, readStride(whole, wanted));
    });
    golden.output(name, result);
  };
  const residuals = (x: Tensor4D, image: Tensor4D, guessMode = false) =>
    control({ sample: x, timesteps, context, image: image }, { scale, guessMode });
  const predict = (x: Tensor, image: Tensor): Tensor4D => {
    const { down, mid } = residuals(x as Tensor4D, image as Tensor4D);
    return unet(x as Tensor4D, timesteps, context, { downResiduals: down, midResidual: mid });
  };

  for (const [prefix, guessMode] of [
    ['out.', false],
    ['out.guess.', true],
  ] as const) {
    // biome-ignore format: pairs
    const { down, mid } = residuals(sample, image, guessMode);
    for (const [i, residual] of down.entries()) output(`${prefix}down_residual_${i}`, () => residual);
    output(`${prefix}mid_residual`, () => mid);
    dispose([...down, mid]);
  }
  output('out.condition_embedding', () => {
    const embedded = embed(image);
    const shape = row('out.condition_embedding')?.shape ?? [];
    return slice(embedded, 0, shape[0] ?? embedded.shape[0]);
  });
  output('out.noise_pred', () => predict(sample, image));
  if (row('out.grad_sample') || row('out.grad_condition')) {
    const loss = (x: Tensor, image: Tensor) => sum(mul(predict(x, image), weight));
    const [bySample, byCondition] = grads(loss)([sample, image]) as [Tensor, Tensor];
    output('out.grad_sample', () => bySample);
    output('out.grad_condition', () => byCondition);
    dispose([bySample, byCondition]);
  }
  dispose([sample, image, weight]);
}

/** Opens the model of a folder in diffusers' layout, which is stated as seen from the golden one, for as long as `use` takes. */
export async function withModel(
  golden: GoldenFolder,
  stated: string,
  use: (weights: Weights, config: Record<string, unknown>) => void | Promise<void>,
): Promise<void> {
  const { files } = golden;
  const folder = stated.startsWith('..') ? await locateBeside(golden, stated) : stated;
  const names = (await files.list(folder)) ?? [];
  const file = names.find((name) => /^diffusion_pytorch_model.*(\.safetensors|\.bin|\.index\.json)$/.test(name));
  if (!file || !names.includes('config.json'))
    throw new UserError('NOT_FOUND', `"${folder}" is no model folder; it holds ${names.join(', ') || 'nothing'}.`);
  const config = JSON.parse(new TextDecoder().decode(await files.read(joinPath(folder, 'config.json'))));
  const tensors = await loadWeights(await openCheckpoint(files, joinPath(folder, file)));
  try {
    await use(weightsOf(tensors), config);
  } finally {
    dispose([...tensors.values()]);
  }
}

/** Where `../tiny-sd15/unet` lies, seen from a golden folder; a set that was moved alone uses this repository's. */
async function locateBeside(golden: GoldenFolder, stated: string): Promise<string> {
  const parts = golden.path.split('/');
  for (const part of stated.split('/')) part === '..' ? parts.pop() : parts.push(part);
  const beside = parts.join('/');
  return (await golden.files.list(beside)) ? beside : locateShared(golden, stated.replace(/^(\.\.\/)+/, ''));
}
