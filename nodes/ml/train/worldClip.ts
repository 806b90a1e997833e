import { clipDeviation, clipMean } from '../image/clipTransform.ts';
import { clipTokenizer } from '../text/clipTokenizer.ts';
import { SCENE_SIZE } from '../world/scene.ts';
import { textToImageConfigs, PROMPT_LENGTH as tokens } from './textToImage.ts';

const { vocabulary, textEncoder } = textToImageConfigs;

/** Configurations of the CLIPs of the built-in world, in transformers' fields; the same for alignment and preference. */
export const worldClip = {
  vocabulary,
  config: {
    architectures: ['CLIPModel'],
    model_type: 'clip',
    projection_dim: 128,
    vision_config: {
      model_type: 'clip_vision_model',
      image_size: SCENE_SIZE,
      patch_size: 8,
      num_channels: 3,
      hidden_size: 128,
      intermediate_size: 256,
      num_hidden_layers: 4,
      num_attention_heads: 4,
      hidden_act: 'quick_gelu',
      layer_norm_eps: 1e-5,
    },
    text_config: {
      model_type: 'clip_text_model',
      vocab_size: textEncoder.vocab_size,
      hidden_size: 128,
      intermediate_size: 256,
      num_hidden_layers: 2,
      num_attention_heads: 4,
      max_position_embeddings: tokens,
      hidden_act: 'quick_gelu',
      layer_norm_eps: 1e-5,
      bos_token_id: textEncoder.bos_token_id,
      eos_token_id: textEncoder.eos_token_id,
      pad_token_id: textEncoder.pad_token_id,
    },
  },
  preprocessor: {
    image_processor_type: 'CLIPImageProcessor',
    size: { shortest_edge: SCENE_SIZE },
    crop_size: { height: SCENE_SIZE, width: SCENE_SIZE },
    resample: 3,
    image_mean: clipMean,
    image_std: clipDeviation,
  },
} as const;

/** Token ids of captions, [captions][tokens]; remembers those it has seen. */
export function captionIds(): (captions: readonly string[]) => number[][] {
  const tokenizer = clipTokenizer(vocabulary, {}, 'the built-in vocabulary');
  const known = new Map<string, number[]>();
  return (captions) =>
    captions.map((caption) => {
      const ids = known.get(caption) ?? tokenizer.encode(caption, tokens);
      known.set(caption, ids);
      return ids;
    });
}
