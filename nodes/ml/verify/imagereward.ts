import { promptTokens } from '../models/imageReward.ts';
import { type LoadedImageReward, loadImageReward } from '../models/load/loadImageReward.ts';
import { grad, mean, slice, stack, sub, type Tensor, type Tensor3D, type Tensor4D, tidy, tile } from '../tf.ts';
import { channelsFirst, channelsLast } from './channels.ts';
import type { Family, GoldenFolder } from './family.ts';

interface Settings {
  readonly prompts: readonly string[];
  readonly loss_prompt: string;
}

/** ImageReward: tokens, both encoders, rewards of all images and prompts, ReNO's loss and its gradient. */
export const imagereward: Family = async (golden) => {
  const model = await loadImageReward(golden.files, golden.path);
  try {
    outputs(golden, model);
  } finally {
    model.dispose();
  }
};

function outputs(golden: GoldenFolder, model: LoadedImageReward): void {
  const { prompts, loss_prompt: lossPrompt } = golden.settings as unknown as Settings;
  const { encodeImage, readPrompts, judge } = model;
  const { ids, ends } = promptTokens(prompts, model.tokenizer, model.config.text);
  const pixels = () => channelsLast(golden.input('in.pixels'));
  const first = () => slice(pixels(), [0, 0, 0, 0], [1, -1, -1, -1]);
  /** One image with each prompt. */
  const rewards = (image: Tensor4D) => {
    const tokens: Tensor3D = tile(encodeImage(image), [prompts.length, 1, 1]);
    return judge(readPrompts(prompts, tokens));
  };
  const loss = (x: Tensor) => sub(2, mean(judge(readPrompts([lossPrompt], encodeImage(x as Tensor4D))))) as Tensor;
  const computed: Record<string, () => Tensor | readonly number[]> = {
    'tokens.input_ids': () => ids.flat(),
    'tokens.attention_mask': () => ids.flatMap((row, i) => row.map((_, place) => Number(place < ends[i]!))),
    image_tokens: () => encodeImage(first()),
    text_hidden_state: () => readPrompts(prompts.slice(0, 1), encodeImage(first())),
    rewards: () => {
      const all = pixels();
      return stack(Array.from({ length: all.shape[0] }, (_, i) => rewards(slice(all, [i, 0, 0, 0], [1, -1, -1, -1]))));
    },
    reno_loss: () => loss(first()),
    grad_pixels: () => channelsFirst(grad(loss)(first())),
  };
  for (const [name, compute] of Object.entries(computed)) {
    if (!golden.wanted.some((row) => row.name === `out.${name}`)) continue;
    golden.output(`out.${name}`, tidy(compute as () => Tensor));
  }
}
