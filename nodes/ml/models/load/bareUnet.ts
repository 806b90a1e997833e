import { UserError } from '../../../errors.ts';
import type { Files } from '../../../files.ts';
import type { SchedulerConfig } from '../../diffusion/scheduler.ts';
import type { Checkpoint } from '../../weights/checkpoint.ts';
import { seemsLike } from '../../weights/fileKinds.ts';
import { ldmUnet, type Sources } from '../../weights/ldmNames.ts';
import { mappedCheckpoint } from '../../weights/mappedCheckpoint.ts';
import { openWhole, type WholeFile } from '../../weights/wholeFile.ts';
import { latentAutoencoder } from '../latentAutoencoder.ts';
import { unetShapes } from '../unet2DCondition.ts';
import { type UNetConfig, unetConfig } from '../unetConfig.ts';
import { readEdmMarkers } from './edmMarkers.ts';
import { familyOfWidth } from './familyOfWidth.ts';
import { unetJson } from './ldmConfigs.ts';
import { type ModelDescription, requireFit } from './modelDescription.ts';
import { findWeights, nameOf, readConfig } from './modelFolder.ts';
import { fewSteps, marks, readPrediction } from './statedByFile.ts';

/**
 * A U-Net alone, a single file in the names of latent-diffusion or of diffusers or a diffusers folder, with text encoders,
 * VAE and scheduler of a base. What the file itself says of its noise and prediction goes before the base.
 * Throws UserError `DOES_NOT_FIT`, `UNSUPPORTED` and what reading throws.
 */
export async function describeBareUnet(files: Files, path: string, base: ModelDescription): Promise<ModelDescription> {
  const names = await files.list(path);
  if (names?.includes('model_index.json')) throw misfit(path, 'is a whole model: leave base empty');
  const file = await openWhole(files, names ? await findWeights(files, path) : path);
  if (file.names().some((name) => /^(first_stage_model|cond_stage_model|conditioner)\./.test(name)))
    throw misfit(path, 'has a VAE or text encoders of its own: leave base empty');
  const sources = findUnet(file.names());
  if (!sources)
    throw new UserError(
      'UNSUPPORTED',
      `"${path}" is no U-Net: looked for conv_in.weight and input_blocks.0.0.weight; its names start with ${file.names().slice(0, 3).join(', ') || 'nothing'}.${seemsLike(file.names())}`,
    );
  const checkpoint = mappedCheckpoint(file, sources);
  const stated = names?.includes('config.json') ? unetConfig(await readConfig(files, path)) : undefined;
  const config = stated ?? configOf(checkpoint, base.unet.config);
  refuseOtherFamily(path, config, base);
  requireFit(path, config, base.autoencoder.description);
  const own = base.unet.file; // of a single file, its U-Net is not needed
  own?.setAside(own.names().filter((name) => name.startsWith('model.diffusion_model.')));
  return {
    ...base,
    name: `${nameOf(path)} with ${base.name}`,
    unet: { title: 'U-Net', config, checkpoint, shapes: unetShapes(config), file },
    ...(await readNoise(files, path, file, base)),
  };
}

/** Where the tensors of a U-Net lie among those of a file, by diffusers' names; undefined where there is none. */
export function findUnet(names: readonly string[]): Sources | undefined {
  const known = new Set(names);
  for (const prefix of ['model.diffusion_model.', 'diffusion_model.', ''])
    if (known.has(`${prefix}input_blocks.0.0.weight`)) return ldmUnet(names, prefix);
  const prefix = ['unet.', ''].find(
    (each) => known.has(`${each}conv_in.weight`) && known.has(`${each}time_embedding.linear_1.weight`),
  );
  if (prefix === undefined) return undefined;
  const inside = names.filter((name) => name.startsWith(prefix) && !isMarker(name));
  return new Map(inside.map((name) => [name.slice(prefix.length), { name }]));
}

/** Tensors that say something of a model by being there. */
const isMarker = (name: string): boolean => /^(v_pred|ztsnr|edm_.*)$/.test(name);

/** The base's config where the U-Net has its very shapes, which do not show all; else the published one of such shapes. */
function configOf(file: Checkpoint, base: UNetConfig): UNetConfig {
  const shapes = [...unetShapes(base)];
  const fits = shapes.every(([name, shape]) => file.has(name) && file.entry(name).shape.join() === shape.join());
  return fits && file.names().length === shapes.length ? base : unetConfig(unetJson(file));
}

/** Throws UserError `DOES_NOT_FIT`. */
function refuseOtherFamily(path: string, config: UNetConfig, base: ModelDescription): void {
  const width = base.texts.reduce((sum, { config: { hidden_size } }) => sum + hidden_size, 0);
  const asked = config.cross_attention_dim.find((each) => each !== width);
  if (asked !== undefined)
    throw misfit(
      path,
      `is a U-Net for text features ${asked} wide${familyOfWidth(asked)}, and the base "${base.name}" gives ${width}${familyOfWidth(width)}: take a base of its family`,
    );
  const kinds = [config, base.unet.config].map(
    ({ addition_embed_type, projection_class_embeddings_input_dim: size }) => `${addition_embed_type} ${size}`,
  );
  if (kinds[0] !== kinds[1])
    throw misfit(
      path,
      `takes "${kinds[0]}" beside the prompt, and the base "${base.name}" gives "${kinds[1]}": take a base of its family`,
    );
}

function misfit(path: string, reason: string): UserError {
  return new UserError('DOES_NOT_FIT', `"${path}" ${reason}.`, { at: { param: 'base' } });
}

type Noise = Pick<ModelDescription, 'schedulerConfig' | 'askPrediction' | 'autoencoder' | 'defaults'> &
  Pick<Partial<ModelDescription>, 'remark'>;

/** What a file says of the noise on which its U-Net was trained, and of its steps, over those of the base. */
async function readNoise(files: Files, path: string, file: WholeFile, base: ModelDescription): Promise<Noise> {
  const { autoencoder, defaults, schedulerConfig } = base;
  const edm = await readEdmMarkers(file);
  const said = await readPrediction(files, file);
  const zeroSignal = marks(file, 'ztsnr') && said === 'v_prediction';
  const few = fewSteps(nameOf(path));
  const isSd2 = base.texts.length === 1 && base.texts[0]?.config.hidden_size === 1024;
  if (edm) {
    const json = { ...autoencoder.json, ...edm.autoencoder };
    return {
      schedulerConfig: edm.schedulerConfig,
      askPrediction: false,
      autoencoder: { ...autoencoder, json, description: latentAutoencoder(json) },
      defaults: { ...defaults, ...edm.recommended },
    };
  }
  const scheduler: SchedulerConfig = {
    ...schedulerConfig,
    ...(said && { prediction_type: said }),
    ...(few && { _class_name: 'EulerDiscreteScheduler' }),
    ...((few || zeroSignal) && { timestep_spacing: 'trailing' }),
    ...(zeroSignal && { rescale_betas_zero_snr: true }),
  };
  return {
    schedulerConfig: scheduler,
    askPrediction: said === undefined && (base.askPrediction || isSd2),
    autoencoder,
    defaults: few ? { ...defaults, steps: few.steps, guidanceScale: 1 } : defaults,
    ...(few && { remark: few.remark }),
  };
}
