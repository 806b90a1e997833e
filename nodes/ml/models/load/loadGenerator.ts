import { UserError } from '../../../errors.ts';
import type { Files } from '../../../files.ts';
import type { Generator } from '../../../ports.ts';
import { stableDiffusion } from '../stableDiffusion.ts';
import { describeBareUnet } from './bareUnet.ts';
import { describeFolder } from './diffusersFolder.ts';
import type { LoadOptions } from './loadParts.ts';
import { loadDescribed, type ModelDescription } from './modelDescription.ts';
import { contentOf } from './modelFolder.ts';
import { type Overrides, overridden } from './overrides.ts';
import { describeSingleFile } from './singleFile.ts';

/**
 * Loads a text-to-image model of the Stable Diffusion family: a diffusers folder, a snapshot of the Hugging Face cache, a
 * single checkpoint file with the names of latent-diffusion, or a U-Net alone with a base. `stated` goes over what the files
 * say. The caller owns the generator; after a failure or an abort nothing is left in memory. Throws UserError `NOT_FOUND`, `UNSUPPORTED`, `DOES_NOT_FIT`, `BAD_CONFIG`, `BAD_CHECKPOINT`,
 * `WRONG_WEIGHTS`, `NOT_ENOUGH_MEMORY`, or the signal's reason.
 */
export async function loadGenerator(
  files: Files,
  location: string,
  options: LoadOptions = {},
  stated: Overrides = {},
): Promise<Generator> {
  return stableDiffusion(
    await loadDescribed(await describeModel(files, await files.locate(location), stated), options),
  );
}

/** Reads configs and headers of a model, not its weights. `stated` goes over what its files say. Throws likewise. */
export async function describeModel(files: Files, path: string, stated: Overrides = {}): Promise<ModelDescription> {
  const { base } = stated;
  const described =
    base === undefined
      ? await describeFiles(files, path, stated)
      : await describeBareUnet(files, path, await describeFiles(files, await files.locate(base), {}));
  return overridden(described, stated);
}

async function describeFiles(files: Files, path: string, stated: Overrides): Promise<ModelDescription> {
  const names = await files.list(path);
  if (!names) return describeSingleFile(files, path, stated);
  if (names.includes('model_index.json')) return describeFolder(files, path);
  throw new UserError(
    'NOT_FOUND',
    `"${path}" is no text-to-image model: looked for model_index.json of a diffusers pipeline; ${await contentOf(files, path)}. A single .safetensors or .ckpt file is named by its own path.`,
  );
}
