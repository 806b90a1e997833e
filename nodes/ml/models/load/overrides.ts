import { UserError } from '../../../errors.ts';
import type { ModelDescription, TextPart } from './modelDescription.ts';

/** What the user states of a model over what its files say. */
export interface Overrides {
  /** What the U-Net predicts. */
  readonly prediction?: keyof typeof predictions;
  /** Which layer of the text encoders the U-Net sees, counted from the end as ComfyUI does: 1 is the last. */
  readonly clipSkip?: number;
}

/** Names of what a U-Net predicts, and what diffusers calls it. */
export const predictions = { epsilon: 'epsilon', v: 'v_prediction' } as const;

/** A described model as the user states it to be. Throws UserError `DOES_NOT_FIT`. */
export function overridden(model: ModelDescription, { prediction, clipSkip }: Overrides): ModelDescription {
  return {
    ...model,
    ...(clipSkip !== undefined && { texts: model.texts.map((text) => skipLayers(text, clipSkip, model.name)) }),
    ...(prediction && {
      schedulerConfig: { ...model.schedulerConfig, prediction_type: predictions[prediction] },
      askPrediction: false,
    }),
  };
}

/**
 * The text encoder whose layer `clipSkip` from the end is seen. A layer that was published and is left out of the file counts.
 * Source: ComfyUI CLIPSetLastLayer; sd1_clip.py, set_clip_options
 */
function skipLayers(text: TextPart, clipSkip: number, name: string): TextPart {
  const skip = clipSkip - 1 - text.missingLayers;
  const most = text.config.num_hidden_layers + text.missingLayers;
  if (skip >= 0 && clipSkip <= most) return { ...text, skip };
  throw new UserError(
    'DOES_NOT_FIT',
    `CLIP skip ${clipSkip} is none of the layers of the text encoder of "${name}", which has ${text.missingLayers + 1} to ${most}.`,
    { at: { param: 'clipSkip' } },
  );
}
