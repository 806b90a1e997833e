import { parseJson } from '../../../parseJson.ts';
import { badCheckpoint, type Checkpoint } from '../../weights/checkpoint.ts';
import type { AdaptedPlace } from '../../weights/loraNames.ts';

/**
 * alpha / r, or alpha / sqrt(r) with `use_rslora`, as diffusers writes peft's settings into the metadata of a file; 1 where
 * it says nothing. Throws UserError `BAD_CHECKPOINT`. Source: diffusers, `lora_adapter_metadata`; peft, LoraConfig
 */
export function peftScale(file: Checkpoint, { part, weight }: AdaptedPlace, rank: number): number {
  const stated = file.metadata.get('lora_adapter_metadata');
  if (typeof stated !== 'string') return 1;
  const settings = readSettings(file, stated);
  const of = (name: string): unknown => settings[`${part}.${name}`];
  if (of('use_dora') === true) throw badCheckpoint(file.path, 'its metadata says DoRA, which is not supported');
  const alpha = patternValue(of('alpha_pattern'), weight.slice(0, -'.weight'.length)) ?? of('lora_alpha');
  if (alpha === undefined || alpha === null) return 1;
  if (typeof alpha !== 'number' || !Number.isFinite(alpha))
    throw badCheckpoint(file.path, `its metadata has an alpha for ${part} that is no number`);
  return alpha / (of('use_rslora') === true ? Math.sqrt(rank) : rank);
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
