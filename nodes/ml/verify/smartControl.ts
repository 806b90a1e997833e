import { joinPath } from '../../files.ts';
import { type JunctionScale, smartControl as predictScale } from '../models/smartControl.ts';
import { unet2DCondition } from '../models/unet2DCondition.ts';
import { unetConfig } from '../models/unetConfig.ts';
import {
  add,
  clone,
  dispose,
  fill,
  grad,
  keep,
  mul,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor3D,
  type Tensor4D,
  tidy,
} from '../tf.ts';
import { loadWeights } from '../weights/loadWeights.ts';
import { openCheckpoint } from '../weights/openCheckpoint.ts';
import { weightsOf } from '../weights/weights.ts';
import { channelsFirst, channelsLast } from './channels.ts';
import type { Family, GoldenFolder } from './family.ts';
import { withModel } from './tinyControlNet.ts';

/** SmartControl: the scale at every junction, and the U-Net that adds what a ControlNet gives where it takes skip connections. */
export const smartControl: Family = async (golden) => {
  const file = await openCheckpoint(golden.files, joinPath(golden.path, 'predictors.safetensors'));
  const predictors = await loadWeights(file);
  try {
    await withModel(golden, String(golden.settings.unet ?? '../tiny-sd15/unet'), (weights, json) =>
      outputs(golden, predictScale(weightsOf(predictors)), unet2DCondition(weights, unetConfig(json))),
    );
  } finally {
    dispose([...predictors.values()]);
  }
};

function outputs(golden: GoldenFolder, predicted: JunctionScale, unet: ReturnType<typeof unet2DCondition>): void {
  const timesteps = golden.input('in.timestep') as Tensor1D;
  const context = golden.input('in.context') as Tensor3D;
  const names = golden.wanted.map(({ name }) => name);
  const skips = names.filter((name) => /^out\.scale_\d+$/.test(name)).length - 1;
  const [sample, weight, mid, ...down] = tidy(() =>
    [
      'in.sample',
      'in.output_weight',
      'in.mid_residual',
      ...Array.from({ length: skips }, (_, i) => `in.down_residual_${i}`),
    ].map((name) => channelsLast(golden.input(name))),
  ) as [Tensor4D, Tensor4D, Tensor4D, ...Tensor4D[]];
  const scales: Tensor4D[] = [];
  const predict = (x: Tensor, scaleAt: JunctionScale): Tensor4D =>
    unet(x as Tensor4D, timesteps, context, {
      atJunction(index, hidden, skip) {
        const residual = [mid, ...down.toReversed()][index]!;
        const scale = scaleAt({ index, hidden, residual, ...(skip && { skip }) });
        return add<Tensor4D>(skip ?? hidden, mul(residual, scale));
      },
    });
  const output = (name: string, compute: () => Tensor) =>
    golden.output(
      name,
      tidy(() => channelsFirst(compute())),
    );
  output('out.noise_pred', () =>
    predict(sample, (junction) => {
      const scale = predicted(junction);
      scales.push(keep(clone(scale)));
      return scale;
    }),
  );
  for (const [i, scale] of scales.entries()) output(`out.scale_${i}`, () => scale);
  dispose(scales);
  const constant =
    (value: number): JunctionScale =>
    ({
      residual: {
        shape: [n, h, w],
      },
    }) =>
      fill([n, h, w, 1], value);
  output('out.half', () => predict(sample, constant(0.5)));
  output('out.full', () => predict(sample, constant(1)));
  output('out.grad_sample', () => grad((x: Tensor) => sum(mul(predict(x, predicted), weight)))(sample));
  dispose([sample, weight, mid, ...down]);
}
