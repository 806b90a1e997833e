import { joinPath } from '../../files.ts';
import { type LoadedAesthetic, loadAesthetic } from '../models/load/loadAesthetic.ts';
import { aestheticScore } from '../rewards/aestheticScore.ts';
import { grad, mean, reshape, sub, sum, type Tensor, type Tensor2D, type Tensor4D, tidy } from '../tf.ts';
import { channelsFirst, channelsLast } from './channels.ts';
import type { Family, GoldenFolder } from './family.ts';
import { locateShared } from './goldenPath.ts';

/** LAION's aesthetic predictor with its published weights, on given features and on those of a CLIP. */
export const aesthetic: Family = async (golden) => {
  const head = await locateShared(golden, String(golden.settings.weights ?? 'real/ava+logos-l14-linearMSE.pth'));
  const model = await loadAesthetic(golden.files, { head, clip: joinPath(golden.path, 'clip') });
  try {
    outputs(golden, model);
  } finally {
    model.dispose();
  }
};

function outputs(golden: GoldenFolder, { clip, head }: LoadedAesthetic): void {
  const score = (features: Tensor) => aestheticScore(features as Tensor2D, head);
  const embeds = (pixels: Tensor) => clip.encodeImage(pixels as Tensor4D).imageEmbeds;
  const loss = (pixels: Tensor) => sub(10, mean(score(embeds(pixels)))) as Tensor;
  const features = () => golden.input('in.features');
  const pixels = () => channelsLast(golden.input('in.pixels'));
  const computed: Record<string, () => Tensor> = {
    scores: () => reshape(score(features()), [-1, 1]),
    grad_features: () => grad((x) => sum(score(x)))(features()),
    image_features: () => embeds(pixels()),
    reno_loss: () => loss(pixels()),
    grad_pixels: () => channelsFirst(grad(loss)(pixels())),
  };
  for (const [name, compute] of Object.entries(computed))
    if (golden.wanted.some((row) => row.name === `out.${name}`)) golden.output(`out.${name}`, tidy(compute));
}
