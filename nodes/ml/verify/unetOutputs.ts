import { unet2DCondition } from '../models/unet2DCondition.ts';
import type { MemoryOptions } from '../models/unetBlocks.ts';
import type { UNetConfig } from '../models/unetConfig.ts';
import { addedEmbedding, timeEmbedding } from '../models/unetEncoder.ts';
import {
  dispose,
  grads,
  mul,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor3D,
  type Tensor4D,
  tidy,
} from '../tf.ts';
import type { Weights } from '../weights/weights.ts';
import { channelsFirst, channelsLast } from './channels.ts';
import type { GoldenFolder } from './family.ts';

/**
 * The `out.unet.*` tensors of a pipeline's golden folder: the prediction, the embeddings, and the gradients of
 * sum(prediction * output_weight). Hands over those that are wanted.
 */
export function unetOutputs(
  golden: GoldenFolder,
  weights: Weights,
  config: UNetConfig,
  memory: MemoryOptions = { recompute: true },
): void {
  const wants = (name: string) => golden.wanted.some((row) => row.name === `out.unet.${name}`);
  const output = (name: string, compute: () => Tensor) => {
    if (wants(name)) golden.output(`out.unet.${name}`, tidy(compute));
  };
  const timesteps = golden.input('in.unet.timestep') as Tensor1D;
  const context = golden.input('in.unet.context') as Tensor3D;
  const outputWeight = golden.input('in.unet.output_weight');
  const textTime = config.addition_embed_type === 'text_time';
  const textEmbeds = textTime ? [golden.input('in.unet.text_embeds') as Tensor2D] : [];
  const timeIds = textTime ? (golden.input('in.unet.time_ids') as Tensor2D) : undefined;
  const unet = unet2DCondition(weights, config, memory);
  const predict = (sample: Tensor, text: Tensor, pooled: Tensor | undefined) =>
    unet(sample as Tensor4D, timesteps, text as Tensor3D, addedTo(pooled, timeIds));

  const sample = tidy(() => channelsLast(golden.input('in.unet.sample')));
  output('noise_pred', () => channelsFirst(predict(sample, context, textEmbeds[0])));
  output('time_embedding', () => timeEmbedding(timesteps, weights, config));
  if (textTime)
    output('added_embedding', () => addedEmbedding(addedTo(textEmbeds[0], timeIds).added as never, weights, config));

  if (['grad_sample', 'grad_context', 'grad_text_embeds'].some(wants)) {
    const [bySample, byContext, byText] = tidy(() => {
      const weight = channelsLast(outputWeight);
      const loss = (x: Tensor, text: Tensor, pooled?: Tensor) => sum(mul(predict(x, text, pooled), weight));
      return grads(loss as (...inputs: Tensor[]) => Tensor)([sample, context, ...textEmbeds]);
    });
    output('grad_sample', () => channelsFirst(bySample as Tensor));
    if (byContext) golden.output('out.unet.grad_context', byContext);
    if (byText) golden.output('out.unet.grad_text_embeds', byText);
    dispose([bySample as Tensor]);
  }
  sample.dispose();
}

function addedTo(textEmbeds: Tensor | undefined, timeIds: Tensor2D | undefined) {
  return textEmbeds && timeIds ? { added: { textEmbeds: textEmbeds as Tensor2D, timeIds } } : {};
}
