import { UserError } from '../../../errors.ts';
import type { Files } from '../../../files.ts';
import type { ControlNet } from '../../../ports.ts';
import type { Checkpoint } from '../../weights/checkpoint.ts';
import { ldmControlNet } from '../../weights/ldmNames.ts';
import { mappedCheckpoint, stateDict } from '../../weights/mappedCheckpoint.ts';
import { openCheckpoint } from '../../weights/openCheckpoint.ts';
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
  const { json, checkpoint } = (await files.list(path)) ? await readFolder(files, path) : await readFile(files, path);
  const config = controlNetConfig(json);
  const part = { title: 'ControlNet', checkpoint, shapes: controlNetShapes(config) };
  const { weights, bytes, dispose } = await loadParts(nameOf(path), { controlnet: part }, options);
  const residuals = controlNet(weights.controlnet, config, { recompute: true, ...options.memory });
  return { name: nameOf(path), bytes, residuals: (input) => residuals(input), dispose };
}

interface Described {
  readonly json: Json;
  readonly checkpoint: Checkpoint;
}

async function readFolder(files: Files, folder: string): Promise<Described> {
  const json = await readConfig(files, folder);
  if (json._class_name !== 'ControlNetModel')
    throw new UserError(
      'UNSUPPORTED',
      `"${folder}" holds a ${JSON.stringify(json._class_name ?? null)}, not a "ControlNetModel".`,
    );
  return { json, checkpoint: await openCheckpoint(files, await findWeights(files, folder)) };
}

async function readFile(files: Files, path: string): Promise<Described> {
  const file = stateDict(await openCheckpoint(files, path));
  const names = file.names();
  const prefix = ['control_model.', ''].find((each) =>
    names.some((name) => name.startsWith(`${each}input_hint_block.`)),
  );
  const isDiffusers = names.includes('controlnet_cond_embedding.conv_in.weight');
  if (prefix === undefined && !isDiffusers)
    throw new UserError(
      'UNSUPPORTED',
      `"${path}" is no ControlNet: looked for tensors named input_hint_block or controlnet_cond_embedding; its names start with ${names.slice(0, 3).join(', ') || 'nothing'}.`,
    );
  const checkpoint = prefix === undefined ? file : mappedCheckpoint(file, ldmControlNet(names, prefix));
  return { json: controlNetJson(checkpoint), checkpoint };
}
