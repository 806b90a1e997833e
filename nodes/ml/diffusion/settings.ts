import { UserError } from '../../errors.ts';
import { parseJson } from '../../parseJson.ts';
import { quote } from '../../quote.ts';
import type { SchedulerConfig } from './scheduler.ts';

/** For some fields, the values that are implemented. */
type Allowed<S> = { readonly [K in keyof S]?: readonly S[K][] };

/** What every schedule trained on betas shares (diffusers' names and defaults). */
export const trainedDefaults = {
  num_train_timesteps: 1000,
  beta_start: 0.0001,
  beta_end: 0.02,
  beta_schedule: 'linear',
  trained_betas: null as readonly number[] | null,
  prediction_type: 'epsilon',
  timestep_spacing: 'leading',
  steps_offset: 0,
  rescale_betas_zero_snr: false,
};
export type TrainedSettings = typeof trainedDefaults;

export const trainedAllowed: Allowed<TrainedSettings> = {
  beta_schedule: ['linear', 'scaled_linear', 'squaredcos_cap_v2'],
  prediction_type: ['epsilon', 'v_prediction', 'sample'],
  timestep_spacing: ['leading', 'trailing', 'linspace'],
};

/** Most timesteps of a schedule: tables are as long, and configs come from strangers. */
const MOST_TIMESTEPS = 100_000;

/**
 * The fields a scheduler class knows, read from a config over its defaults; others are ignored, as diffusers does.
 * Throws UserError `BAD_CONFIG` for a value of the wrong type and `UNSUPPORTED` for one that is not implemented.
 */
export function readSettings<S extends object>(config: SchedulerConfig, defaults: S, allowed: Allowed<S>): S {
  const settings = { ...defaults };
  for (const field of Object.keys(defaults) as (keyof S & string)[]) {
    const value = (config[field] ?? defaults[field]) as S[typeof field];
    const initial = defaults[field];
    if (initial !== null && typeof value !== typeof initial) {
      throw new UserError(
        'BAD_CONFIG',
        `${config._class_name}: ${field} is ${quote(value)}, but must be a ${typeof initial}.`,
      );
    }
    if (
      field === 'num_train_timesteps' &&
      !(Number.isInteger(value) && (value as number) > 0 && (value as number) <= MOST_TIMESTEPS)
    )
      throw new UserError(
        'BAD_CONFIG',
        `${config._class_name}: ${field} is ${quote(value)}, but must be a whole number from 1 to ${MOST_TIMESTEPS}.`,
      );
    const choices = allowed[field];
    if (choices !== undefined && !choices.includes(value)) {
      throw unsupported(config, field, value, choices);
    }
    settings[field] = value;
  }
  return settings;
}

/** UserError `UNSUPPORTED` that names the field, its value and what is allowed. */
export function unsupported(
  config: SchedulerConfig,
  field: string,
  value: unknown,
  choices: readonly unknown[],
): UserError {
  const list = choices.map((choice) => quote(choice)).join(', ');
  return new UserError(
    'UNSUPPORTED',
    `${config._class_name} with ${field} = ${quote(value)} is not supported; supported: ${list}. Choose another scheduler or change that field of scheduler_config.json.`,
  );
}

/**
 * Parses `scheduler_config.json`. Python writes infinities bare, which JSON does not have, so they are read too.
 * Throws UserError `BAD_CONFIG`.
 */
export function parseSchedulerConfig(text: string): SchedulerConfig {
  const strict = text.replace(/"(?:[^"\\]|\\.)*"|-?Infinity|NaN/g, (token) =>
    token.startsWith('"') ? token : token === 'NaN' ? 'null' : token.replace('Infinity', '1e999'),
  );
  let config: unknown;
  try {
    config = parseJson(strict);
  } catch (cause) {
    throw new UserError('BAD_CONFIG', `scheduler_config.json is not valid JSON: ${(cause as Error).message}.`, {
      cause,
    });
  }
  if (typeof config !== 'object' || config === null || Array.isArray(config)) {
    throw new UserError('BAD_CONFIG', 'scheduler_config.json must hold a JSON object.');
  }
  return config as SchedulerConfig;
}
