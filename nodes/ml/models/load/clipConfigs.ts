import { UserError } from '../../../errors.ts';
import { quote } from '../../../quote.ts';
import { clipDeviation, clipMean } from '../../image/clipTransform.ts';
import type { Checkpoint } from '../../weights/checkpoint.ts';
import type { ClipPreprocessing } from '../clip.ts';
import { type Json, MOST_LAYERS, reader } from '../unetConfig.ts';
import { countOf, sizeOf, textJson } from './ldmConfigs.ts';

/**
 * transformers' config.json of a CLIP from open_clip's `model_cfg`, with open_clip's defaults. Throws UserError
 * `BAD_CONFIG` or `UNSUPPORTED`. Source: open_clip, model.py, CLIPVisionCfg and CLIPTextCfg
 */
export function openClipJson(model: Json): Json {
  const [vision, text] = [(model.vision_cfg ?? {}) as Json, (model.text_cfg ?? {}) as Json];
  const [readVision, readText] = [reader('open_clip vision_cfg', vision), reader('open_clip text_cfg', text)];
  for (const field of ['hf_model_name', 'hf_tokenizer_name'])
    if (text[field] !== undefined) throw readText.unsupported(field, text[field]);
  const hidden_act = model.quick_gelu === true ? 'quick_gelu' : 'gelu';
  const [width, textWidth] = [readVision.count('width', 768), readText.count('width', 512)];
  return {
    model_type: 'clip',
    projection_dim: reader('open_clip model_cfg', model).count('embed_dim'),
    vision_config: {
      hidden_act,
      hidden_size: width,
      intermediate_size: Math.trunc(width * readVision.number('mlp_ratio', 4)),
      num_hidden_layers: readVision.count('layers', 12, MOST_LAYERS),
      num_attention_heads: width / readVision.count('head_width', 64),
      image_size: readVision.count('image_size', 224),
      patch_size: readVision.count('patch_size', 16),
    },
    text_config: {
      hidden_act,
      vocab_size: readText.count('vocab_size', 49408),
      hidden_size: textWidth,
      intermediate_size: Math.trunc(textWidth * readText.number('mlp_ratio', 4)),
      num_hidden_layers: readText.count('layers', 12, MOST_LAYERS),
      num_attention_heads: readText.count('heads', 8),
      max_position_embeddings: readText.count('context_length', 77),
      eos_token_id: 2, // pooled at the largest id
    },
  };
}

/** Widths of attention heads by the width of a published vision encoder: ViT-H, -g and -bigG; 64 in all others. */
const headWidths: Readonly<Record<number, number>> = { 1280: 80, 1408: 88, 1664: 104 };

/**
 * transformers' config.json of a CLIP from the shapes of its weights, under transformers' names. What shapes do not show is
 * what the published models have: under open_clip's names, and from ViT-H on, the exact GELU; else OpenAI's quick one.
 */
export function clipJson(file: Checkpoint, isOpenClip: boolean): Json {
  const model = 'vision_model';
  const width = sizeOf(file, `${model}.embeddings.class_embedding`, 0);
  const patch = sizeOf(file, `${model}.embeddings.patch_embedding.weight`, 2);
  const exact = isOpenClip || width > 1024;
  const vision = {
    hidden_act: exact ? 'gelu' : 'quick_gelu',
    hidden_size: width,
    intermediate_size: sizeOf(file, `${model}.encoder.layers.0.mlp.fc1.weight`, 0),
    num_hidden_layers: countOf(file, (i) => `${model}.encoder.layers.${i}.mlp.fc1.weight`),
    num_attention_heads: width / (headWidths[width] ?? 64),
    image_size: patch * Math.sqrt(sizeOf(file, `${model}.embeddings.position_embedding.weight`, 0) - 1),
    patch_size: patch,
  };
  const projection_dim = sizeOf(file, 'visual_projection.weight', 0);
  if (!file.has('text_model.embeddings.token_embedding.weight'))
    return { ...vision, model_type: 'clip_vision_model', projection_dim };
  return { model_type: 'clip', projection_dim, vision_config: vision, text_config: textJson(file, exact) };
}

/** Images of `size` as CLIP was trained with. */
export function usualPreprocessing(size: number): ClipPreprocessing {
  return { size, shortSide: size, mean: clipMean, deviation: clipDeviation };
}

/**
 * transformers' preprocessor_config.json for a model of images of `size`. Throws UserError `BAD_CONFIG`, or
 * `UNSUPPORTED` where images are not resized by their short side and bicubic.
 */
export function clipPreprocessing(json: Json, size: number): ClipPreprocessing {
  const read = reader('CLIP image processor', json);
  if ((json.resample ?? 3) !== 3) throw read.unsupported('resample', json.resample);
  const side = sideOf(json.size ?? size, 'shortest_edge');
  if (side === undefined) throw read.unsupported('size', json.size);
  const crop = json.do_center_crop === false ? side : sideOf(json.crop_size ?? size, 'height');
  if (crop !== size) throw read.bad(`"crop_size" is ${quote(json.crop_size)} for a model of ${size} pixels`);
  const shortSide = json.do_resize === false ? size : side;
  if (shortSide < size) throw read.bad(`"size" is ${shortSide}, less than the ${size} pixels that are cut out`);
  const normalises = json.do_normalize !== false;
  return {
    size,
    shortSide,
    mean: normalises ? channels(json.image_mean ?? clipMean, 'image_mean') : [0, 0, 0],
    deviation: normalises ? channels(json.image_std ?? clipDeviation, 'image_std') : [1, 1, 1],
  };
}

/** open_clip's `preprocess_cfg`. Throws likewise. */
export function openClipPreprocessing(json: Json, size: number): ClipPreprocessing {
  const read = reader('open_clip preprocess_cfg', json);
  if ((json.interpolation ?? 'bicubic') !== 'bicubic') throw read.unsupported('interpolation', json.interpolation);
  if ((json.resize_mode ?? 'shortest') !== 'shortest') throw read.unsupported('resize_mode', json.resize_mode);
  return {
    size,
    shortSide: size,
    mean: channels(json.mean ?? clipMean, 'mean'),
    deviation: channels(json.std ?? clipDeviation, 'std'),
  };
}

/** A side in pixels, stated as a number or under a name. */
function sideOf(stated: unknown, name: string): number | undefined {
  const side = typeof stated === 'object' && stated !== null ? (stated as Json)[name] : stated;
  return Number.isInteger(side) && (side as number) > 0 ? (side as number) : undefined;
}

function channels(values: unknown, field: string): readonly number[] {
  if (Array.isArray(values) && values.length === 3 && values.every(Number.isFinite)) return values;
  throw new UserError(
    'BAD_CONFIG',
    `The config of this CLIP image processor cannot be used: "${field}" is ${quote(values)}, and a list of three numbers is needed.`,
  );
}
