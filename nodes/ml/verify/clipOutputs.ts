import { type Clip, cosines, cosineTable } from '../models/clip.ts';
import { exp, grad, mean, mul, slice, sub, type Tensor, type Tensor4D, tidy } from '../tf.ts';
import { channelsFirst, channelsLast } from './channels.ts';
import type { GoldenFolder } from './family.ts';

export interface ClipSettings {
  readonly prompts: readonly string[];
  /** Which of `prompts` have features and scores. */
  readonly scored_prompts: readonly number[];
  readonly loss_prompt: string;
}

/** ReNO's loss of a reward: offset - mean(score), where the score is the cosine times exp(logit scale), or the cosine. */
interface ClipLoss {
  readonly offset: number;
  readonly scaled: boolean;
}

/**
 * Everything of one CLIP that golden folders hold below `prefix`: features, states, scores, ReNO's loss and its gradient
 * with respect to the normalised pixels.
 */
export function clipOutputs(golden: GoldenFolder, prefix: string, clip: Clip, { offset, scaled }: ClipLoss): void {
  const { prompts, scored_prompts: scored, loss_prompt: lossPrompt } = golden.settings as unknown as ClipSettings;
  const pixels = (count: number) => first(channelsLast(golden.input('in.pixels')), count);
  const embeds = (count: number) => clip.encodeImage(pixels(count)).imageEmbeds;
  const text = () => clip.encodePrompts(scored.map((i) => prompts[i]!));
  const scale = (cosine: Tensor) => (scaled ? mul(cosine, exp(clip.logitScale)) : cosine);
  const loss = (images: Tensor) => {
    const { imageEmbeds } = clip.encodeImage(images as Tensor4D);
    return sub(offset, mean(scale(cosines(imageEmbeds, clip.encodePrompts([lossPrompt])))));
  };
  const scores = (count: number) => scale(cosineTable(embeds(count), text()));
  const outputs: Record<string, (count: number) => Tensor> = {
    image_features: embeds,
    text_features: text,
    vision_last_hidden_state: (count) => clip.encodeImage(pixels(count)).lastHiddenState,
    logit_scale: () => mul(clip.logitScale, 1),
    logit_scale_exp: () => exp(clip.logitScale),
    logits_per_image: scores,
    hps_scores: scores,
    reno_loss: () => loss(pixels(1)) as Tensor,
    grad_pixels: (count) => channelsFirst(grad((x) => loss(x) as Tensor)(pixels(count))),
  };
  for (const [name, compute] of Object.entries(outputs)) {
    const row = golden.wanted.find((each) => each.name === `${prefix}${name}`);
    if (row)
      golden.output(
        row.name,
        tidy(() => compute(row.shape[0] ?? 1)),
      );
  }
}

/** The first images of a batch. */
function first(pixels: Tensor4D, count: number): Tensor4D {
  return slice(pixels, [0, 0, 0, 0], [count, -1, -1, -1]);
}
