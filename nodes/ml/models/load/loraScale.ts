import { UserError } from '../../../errors.ts';
import { type Files, folderOf } from '../../../files.ts';
import { parseJson } from '../../../parseJson.ts';
import { badCheckpoint, type Checkpoint } from '../../weights/checkpoint.ts';
import type { AdaptedPlace } from '../../weights/loraNames.ts';
import { readConfig } from './modelFolder.ts';

/** alpha / r, or alpha / sqrt(r), of a module of that rank. Throws UserError `BAD_CHECKPOINT`. */
export type PeftScale = (place: AdaptedPlace, rank: number) => number;

/**
 * What peft's settings say of the scale, for modules without an `alpha` of their own: they stand in the metadata of a file of
 * diffusers, and in adapter_config.json beside peft's own adapter_model.safetensors; 1 where a file has none. Throws
 * UserError `UNSUPPORTED`, `BAD_CHECKPOINT`, `BAD_CONFIG`, or `NOT_FOUND`. Source: diffusers, `lora_adapter_metadata`;
 * peft, LoraConfig
 */
export async function readPeftScale(files: Files, file: Checkpoint): Promise<PeftScale> {
  const stated = file.metadata.get('lora_adapter_metadata');
  const isPeft = typeof stated !== 'string' && /(^|[\\/])adapter_model\.\w+$/.test(file.path);
  const settings = isPeft
    ? await readConfig(files, folderOf(file.path), 'adapter_config.json')
    : typeof stated === 'string'
      ? readSettings(file, stated)
      : {};
  const setting = (place: AdaptedPlace, name: string): unknown => settings[isPeft ? name : `${place.part}.${name}`];
  return (place, rank) => {
    if (setting(place, 'use_dora') === true)
      throw new UserError('UNSUPPORTED', `"${file.path}" says that it is DoRA, which is not supported.`);
    const module = place.weight.slice(0, -'.weight'.length);
    const alpha = patternValue(setting(place, 'alpha_pattern'), module) ?? setting(place, 'lora_alpha');
    if (alpha === undefined || alpha === null) return 1;
    if (typeof alpha !== 'number' || !Number.isFinite(alpha))
      throw badCheckpoint(file.path, `its settings have an alpha for the ${place.part} that is no number`);
    return alpha / (setting(place, 'use_rslora') === true ? Math.sqrt(rank) : rank);
  };
}

function readSettings(file: Checkpoint, text: string): Record<string, unknown> {
  let settings: unknown;
  try {
    settings = parseJson(text);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw badCheckpoint(file.path, 'its metadata lora_adapter_metadata is not valid JSON', cause);
  }
  return typeof settings === 'object' && settings !== null ? (settings as Record<string, unknown>) : {};
}

/** The value of the first name that is a module's, or that its name ends with. */
function patternValue(patterns: unknown, module: string): unknown {
  if (typeof patterns !== 'object' || patterns === null) return undefined;
  return Object.entries(patterns).find(([name]) => module === name || module.endsWith(`.${name}`))?.[1];
}
