import { UserError } from '../../../errors.ts';
import { isEdm } from '../../diffusion/edm.ts';
import type { SchedulerConfig } from '../../diffusion/scheduler.ts';
import { latentAutoencoder } from '../latentAutoencoder.ts';
import { cosxlScheduler, playgroundLatents, playgroundScheduler } from './edmMarkers.ts';
import type { ModelDescription, TextPart } from './modelDescription.ts';

/** What the user states of a model over what its files say. */
export interface Overrides {
  /** Where the model lies that gives text encoders, VAE and scheduler to a U-Net alone. */
  readonly base?: string;
  /** What the U-Net predicts. */
  readonly prediction?: keyof typeof predictions;
  /** The noise levels on which it was trained. */
  readonly noiseSchedule?: 'zero-snr' | 'edm';
  /** Which layer of the text encoders the U-Net sees, counted from the end as ComfyUI does: 1 is the last. */
  readonly clipSkip?: number;
}

/** Names of what a U-Net predicts, and what diffusers calls it. */
export const predictions = { epsilon: 'epsilon', v: 'v_prediction', sample: 'sample' } as const;

/** A described model as the user states it to be. Throws UserError `DOES_NOT_FIT`. */
export function overridden(model: ModelDescription, stated: Overrides): ModelDescription {
  const { prediction, noiseSchedule, clipSkip } = stated;
  const predicting: ModelDescription = {
    ...model,
    ...(clipSkip !== undefined && { texts: model.texts.map((text) => skipLayers(text, clipSkip, model.name)) }),
    ...(prediction && {
      schedulerConfig: { ...model.schedulerConfig, prediction_type: predictions[prediction] },
      askPrediction: false,
    }),
  };
  if (noiseSchedule === 'zero-snr') return withZeroSnr(predicting);
  return noiseSchedule === 'edm' ? withEdm(predicting) : predicting;
}

/**
 * The text encoder whose layer `clipSkip` from the end is seen. A layer that was published and is left out of the file counts.
 * Source: ComfyUI CLIPSetLastLayer; sd1_clip.py, set_clip_options
 */
function skipLayers(text: TextPart, clipSkip: number, name: string): TextPart {
  const skip = clipSkip - 1 - text.missingLayers;
  const most = text.config.num_hidden_layers + text.missingLayers;
  if (skip >= 0 && clipSkip <= most) return { ...text, skip };
  throw misfit(
    'clipSkip',
    `CLIP skip ${clipSkip} is none of the layers of the text encoder of "${name}", which has ${text.missingLayers + 1} to ${most}.`,
  );
}

/** Noise up to the last timestep, where no signal is left, and steps that begin there. Source: arXiv 2305.08891, section 3 */
function withZeroSnr(model: ModelDescription): ModelDescription {
  const { schedulerConfig: config, name, askPrediction } = model;
  if (isFlow(config) || isEdm(config))
    throw misfit(
      'noiseSchedule',
      `"${name}" was not trained on timesteps, so its noise has no zero-snr: leave it at auto.`,
    );
  if (!askPrediction && (config.prediction_type ?? 'epsilon') === 'epsilon')
    throw misfit(
      'noiseSchedule',
      `zero-snr starts from noise without any signal, from which "${name}" tells nothing, as it predicts epsilon; set prediction to v if it was trained so.`,
    );
  return {
    ...model,
    schedulerConfig: { ...config, rescale_betas_zero_snr: true, timestep_spacing: 'trailing' },
  };
}

/** As Playground v2.5 where it predicts epsilon, and as CosXL where it predicts v. Source: ComfyUI ModelSamplingContinuousEDM */
function withEdm(model: ModelDescription): ModelDescription {
  const { schedulerConfig: config, name, askPrediction, autoencoder } = model;
  if (isEdm(config)) return model;
  const predicted = config.prediction_type ?? 'epsilon';
  if (isFlow(config) || askPrediction || predicted === 'sample')
    throw misfit(
      'noiseSchedule',
      `"${name}" ${isFlow(config) ? 'is a flow-matching model' : predicted === 'sample' ? 'predicts the sample' : 'does not say what it predicts'}, and edm needs a model that predicts epsilon or v: set prediction to one of them.`,
    );
  if (predicted === 'v_prediction') return { ...model, schedulerConfig: cosxlScheduler };
  const { description, json } = autoencoder;
  return {
    ...model,
    schedulerConfig: playgroundScheduler,
    ...(description.channels === playgroundLatents.latents_mean.length && {
      autoencoder: { ...autoencoder, description: latentAutoencoder({ ...json, ...playgroundLatents }) },
    }),
  };
}

const isFlow = ({ _class_name }: SchedulerConfig): boolean => String(_class_name).startsWith('FlowMatch');

function misfit(param: string, message: string): UserError {
  return new UserError('DOES_NOT_FIT', message, { at: { param } });
}
