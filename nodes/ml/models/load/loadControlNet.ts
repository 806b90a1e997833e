import { UserError } from '../../../errors.ts';
import type { Files } from '../../../files.ts';
import type { ControlNet } from '../../../ports.ts';
import { quote } from '../../../quote.ts';
import type { Checkpoint } from '../../weights/checkpoint.ts';
import { seemsLike } from '../../weights/fileKinds.ts';
import { ldmControlNet } from '../../weights/ldmNames.ts';
import { mappedCheckpoint } from '../../weights/mappedCheckpoint.ts';
import { openWhole, type WholeFile } from '../../weights/wholeFile.ts';
import { controlNet, controlNetConfig, controlNetShapes } from '../controlNet.ts';
import type { Json } from '../unetConfig.ts';
import { controlNetJson } from './ldmConfigs.ts';
import { type LoadOptions, loadParts } from './loadParts.ts';
import { findWeights, nameOf, readConfig } from './modelFolder.ts';

/**
 * Loads a ControlNet: a diffusers folder or snapshot, or a single file with the names of latent-diffusion or of
 * diffusers. The caller owns it. Throws as `loadGenerator` does.
 */
export async function loadControlNet(files: Files, location: string, options: LoadOptions = {}): Promise<ControlNet> {
  const path = await files.locate(location);
  const { json, checkpoint, file } = (await files.list(path))
    ? await readFolder(files, path)
    : await readFile(files, path);
  const config = controlNetConfig(json);
  const part = { title: 'ControlNet', checkpoint, shapes: controlNetShapes(config), file };
  const { weights, bytes, dispose } = await loadParts(nameOf(path), { controlnet: part }, options);
  const residuals = controlNet(weights.controlnet, config, { recompute: true, ...options.memory });
  return {
    name: nameOf(path),
    bytes,
    promptedOnly: config.global_pool_conditions,
    residuals: (input) => residuals(input),
    dispose,
  };
}

interface Described {
  readonly json: Json;
  readonly checkpoint: Checkpoint;
  readonly file: WholeFile;
}

async function readFolder(files: Files, folder: string): Promise<Described> {
  const json = await readConfig(files, folder);
  if (json._class_name !== 'ControlNetModel')
    throw new UserError(
      'UNSUPPORTED',
      `"${folder}" holds a ${quote(json._class_name ?? null)}, not a "ControlNetModel".`,
    );
  const file = await openWhole(files, await findWeights(files, folder));
  return { json, checkpoint: file, file };
}

async function readFile(files: Files, path: string): Promise<Described> {
  const file = await openWhole(files, path);
  const names = file.names();
  const prefix = ['control_model.', ''].find((each) =>
    names.some((name) => name.startsWith(`${each}input_hint_block.`)),
  );
  const isDiffusers = names.includes('controlnet_cond_embedding.conv_in.weight');
  const union = names.filter((name) => /(^|\.)(task_embedding|control_add_embedding)\b/.test(name));
  if ((prefix === undefined && !isDiffusers) || union.length > 0 || file.has('lora_controlnet'))
    throw new UserError(
      'UNSUPPORTED',
      `"${path}" is no ControlNet of one kind: looked for tensors named input_hint_block or controlnet_cond_embedding; its names start with ${names.slice(0, 3).join(', ') || 'nothing'}.${seemsLike(names)}`,
    );
  if (prefix !== undefined && prefix !== '') file.setAside(names.filter((name) => generatorParts.test(name)));
  const checkpoint = prefix === undefined ? file : mappedCheckpoint(file, ldmControlNet(names, prefix));
  const json = { ...controlNetJson(checkpoint), global_pool_conditions: isPooled(path) };
  return { json, checkpoint, file };
}

/** Of the generator that a ControlNet was trained with, where a file holds both. */
const generatorParts = /^(model\.diffusion_model|first_stage_model|cond_stage_model|conditioner)\./;

/** Shuffle, the one published ControlNet that averages what it says over the image, is known by its name, as to ComfyUI. */
function isPooled(path: string): boolean {
  return /(^|[^a-z])shuffle([^a-z]|$)/i.test(nameOf(path));
}
