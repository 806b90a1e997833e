import { beforeAll, describe, expect, it } from 'vitest';
import type { UserError } from '../../../../../nodes/errors.ts';
import type { Files } from '../../../../../nodes/files.ts';
import { loadDecoder } from '../../../../../nodes/ml/models/load/loadDecoder.ts';
import { describeModel } from '../../../../../nodes/ml/models/load/loadGenerator.ts';
import { latentNoise } from '../../../../../nodes/ml/random.ts';
import { tidy } from '../../../../../nodes/ml/tf.ts';
import { writeSafetensors } from '../../../../../nodes/ml/weights/writeSafetensors.ts';
import type { LatentFormat } from '../../../../../nodes/ports.ts';
import { guardLeaks, openTestDevice } from '../../../../support/devices.ts';
import { imageOf } from '../../../../support/imageOf.ts';
import { ldmFile } from '../../../../support/ldmFile.ts';
import { memoryFiles } from '../../../../support/memoryFiles.ts';
import { type Tensors, tinyModel, vocabularyFiles } from '../../../../support/tinyModels.ts';

beforeAll(async () => {
  await openTestDevice();
});
guardLeaks();

function below<T>(folder: string, files: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(files).map(([name, content]) => [`${folder}/${name}`, content]));
}

/** A disk with one model, and its vocabulary beside it. */
function diskOf(tensors: Tensors, metadata: Record<string, string> = {}, others: Record<string, string> = {}): Files {
  return memoryFiles({
    's/model.safetensors': writeSafetensors(tensors, metadata),
    ...below('s', vocabularyFiles),
    ...below('s', others),
  });
}

const describeOne = (files: Files, name = 's/model.safetensors') => describeModel(files, name);
const failureOf = (files: Files, name?: string): Promise<UserError> =>
  imageOf(files, name ?? 's/model.safetensors').then(
    () => expect.fail('It loaded.'),
    (error) => error,
  );

const scalar = (value = 0) => ({ dtype: 'F32', shape: [], values: Float32Array.of(value) }) as const;
const sd1 = ldmFile(tinyModel('sd1'));
const [sd2, sdxl] = [ldmFile(tinyModel('sd2')), ldmFile(tinyModel('sdxl'))];
let image: Promise<Float32Array> | undefined;
/** What the plain file of Stable Diffusion 1 draws. */
const plain = (): Promise<Float32Array> => {
  image ??= imageOf(diskOf(sd1), 's/model.safetensors');
  return image;
};
const renamed = (tensors: Tensors, rename: (name: string) => string): Tensors =>
  new Map([...tensors].map(([name, tensor]) => [rename(name), tensor]));

describe('a single file of latent-diffusion names', () => {
  it.each(['sd1', 'sd2', 'sdxl'] as const)(
    '%s draws the same image as its diffusers folder',
    async (kind) => {
      const model = tinyModel(kind);
      const single = writeSafetensors(ldmFile(model), { 'modelspec.prediction_type': 'epsilon' });
      const files = memoryFiles({
        ...below('folder', model.files),
        'single/model.safetensors': single,
        ...below('single', vocabularyFiles),
      });
      const [expected, got] = [await imageOf(files, 'folder'), await imageOf(files, 'single/model.safetensors')];
      expect(got.length).toBe(16 * 16 * 3);
      expect(new Set(expected).size).toBeGreaterThan(100);
      expect(got).toEqual(expected);
    },
    300_000,
  );

  it('of Stable Diffusion 2 may lack the last text layer, which is not used', async () => {
    const unused = /resblocks\.3\.|text_projection$|logit_scale$/;
    const trimmed = new Map([...sd2].filter(([name]) => !unused.test(name)));
    expect(trimmed.size).toBe(sd2.size - 14);
    const said = { 'modelspec.prediction_type': 'v' };
    expect(await imageOf(diskOf(trimmed, said), 's/model.safetensors')).toEqual(
      await imageOf(diskOf(sd2, said), 's/model.safetensors'),
    );
  });

  it("of SD-Turbo's names draws the same, and the SDXL refiner, which has them too, is refused", async () => {
    const later = renamed(sd2, (name) => name.replace('cond_stage_model.model.', 'conditioner.embedders.0.model.'));
    const said = { 'modelspec.prediction_type': 'epsilon' };
    expect(await imageOf(diskOf(later, said), 's/model.safetensors')).toEqual(
      await imageOf(diskOf(sd2, said), 's/model.safetensors'),
    );
    later.set('model.diffusion_model.label_emb.0.0.weight', scalar());
    expect(await failureOf(diskOf(later))).toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringMatching(/It looks like the SDXL refiner/),
    });
  });

  it.each([
    ['to_q, to_k, to_v, to_out.0', { q: 'to_q', k: 'to_k', v: 'to_v', proj_out: 'to_out.0', norm: 'group_norm' }],
    ['query, key, value, proj_attn', { q: 'query', k: 'key', v: 'value', proj_out: 'proj_attn', norm: 'norm' }],
  ])('may name the attention of its VAE %s', async (_, names: Record<string, string>) => {
    const later = renamed(sd1, (name) =>
      name.replace(/(\.attn_1\.)(q|k|v|proj_out|norm)\./, (_all, place, part) => `${place}${names[part]}.`),
    );
    expect([...later.keys()]).not.toEqual([...sd1.keys()]);
    expect(await imageOf(diskOf(later), 's/model.safetensors')).toEqual(await plain());
  });

  it('may lack the encoder of its VAE', async () => {
    const half = new Map([...sd1].filter(([name]) => !/^first_stage_model\.(encoder|quant_conv)\./.test(name)));
    expect(half.size).toBeLessThan(sd1.size);
    expect(await imageOf(diskOf(half), 's/model.safetensors')).toEqual(await plain());
    half.set('first_stage_model.encoder.conv_in.weight', sd1.get('first_stage_model.encoder.conv_in.weight')!);
    expect(await failureOf(diskOf(half))).toMatchObject({ code: 'WRONG_WEIGHTS' });
  });

  it('leaves alone what no model needs', async () => {
    const more = [
      'model_ema.decay', 'model_ema.diffusion_modelinput_blocks00weight', 'betas', 'alphas_cumprod_prev', 'logvar',
      'sqrt_one_minus_alphas_cumprod', 'posterior_mean_coef2', 'cond_stage_model.transformer.embeddings.position_ids',
      'first_stage_model.loss.discriminator.main.0.weight', 'cond_stage_model.logit_scale', 'global_step',
    ]; // biome-ignore format: names
    const files = diskOf(new Map([...sd1, ...more.map((name) => [name, scalar()] as const)]));
    expect(await imageOf(files, 's/model.safetensors')).toEqual(await plain());
  });

  it.each([
    ['model.diffusion_model.input_blocks.1.0.extra.weight', /Stable Diffusion 1 U-Net|model .*extra\.weight/],
    ['first_stage_model.decoder.mid.attn_2.q.weight', /attn_2/],
    ['cond_stage_model.transformer.text_model.encoder.layers.9.mlp.fc1.weight', /layers\.9/],
    ['lora_unet_mid_block.lora_up.weight', /It looks like a LoRA, which model\/load-lora takes/],
    ['control_model.zero_convs.0.0.weight', /It looks like a ControlNet, which model\/load-controlnet takes/],
    ['something.else', /something\.else/],
  ])('stops at %s, which it does not understand', async (name, message) => {
    const error = await failureOf(diskOf(new Map([...sd1, [name, scalar()]])));
    expect(error).toMatchObject({ code: 'UNKNOWN_WEIGHTS', message: expect.stringMatching(message) });
  });

  describe("of EDM's noise levels", () => {
    const list = (values: readonly number[]) =>
      ({ dtype: 'F32', shape: [1, values.length, 1, 1], values: Float32Array.from(values) }) as const;
    const withMarkers = (markers: Record<string, ReturnType<typeof list> | ReturnType<typeof scalar>>) =>
      diskOf(new Map([...sdxl, ...Object.entries(markers)]));
    const statistics = { edm_mean: list([-1.5, 2, -1.25, 2.5]), edm_std: list([8.5, 6, 6.5, 5]) };

    it('draws as the folder of Playground v2.5 with its statistics', async () => {
      const model = tinyModel('sdxl');
      const read = (name: string) => JSON.parse(model.files[name] as string);
      const vae = { ...read('vae/config.json'), scaling_factor: 0.5, latents_mean: [-1.5, 2, -1.25, 2.5] };
      const changed = {
        ...model.files,
        'vae/config.json': JSON.stringify({ ...vae, latents_std: [8.5, 6, 6.5, 5] }),
        'scheduler/scheduler_config.json': JSON.stringify({
          ...{ _class_name: 'EDMDPMSolverMultistepScheduler', sigma_min: 0.002, sigma_max: 80, sigma_data: 0.5 },
        }),
      };
      const folder = await imageOf(memoryFiles(below('f', changed)), 'f');
      expect(await imageOf(withMarkers(statistics), 's/model.safetensors')).toEqual(folder);
      const plainly = await imageOf(diskOf(sdxl), 's/model.safetensors');
      expect(plainly).not.toEqual(folder);
      expect((await describeOne(withMarkers(statistics))).defaults).toMatchObject({ steps: 50, guidanceScale: 3 });
    });

    it('is CosXL with its noise levels', async () => {
      const files = withMarkers({ 'edm_vpred.sigma_max': scalar(100), 'edm_vpred.sigma_min': list([0.25]) });
      expect(await describeOne(files)).toMatchObject({
        askPrediction: false,
        schedulerConfig: {
          ...{ _class_name: 'EDMEulerScheduler', prediction_type: 'v_prediction', sigma_schedule: 'exponential' },
          ...{ sigma_max: 100, sigma_min: 0.25, sigma_data: 1 },
        },
      });
      expect((await imageOf(files, 's/model.safetensors')).every(Number.isFinite)).toBe(true);
      const alone = await describeOne(withMarkers({ 'edm_vpred.sigma_max': scalar(120) }));
      expect(alone.schedulerConfig).toMatchObject({ sigma_max: 120, sigma_min: 0.002 });
    });

    it.each([
      [{ edm_mean: statistics.edm_mean }, /edm_mean without the other/],
      [{ edm_std: statistics.edm_std }, /edm_std without the other/],
      [{ ...statistics, edm_std: list([1, 1, 1]) }, /"latents_std" \[1, ?1, ?1\], and 4 numbers each/],
      [{ ...statistics, edm_std: list([1, 0, 1, 1]) }, /the latter above 0/],
      [{ ...statistics, edm_mean: list([1, Number.NaN, 1, 1]) }, /4 numbers each/],
      [{ ...statistics, edm_mean: list(new Array(65).fill(0)) }, /"edm_mean" has 65 values/],
      [{ 'edm_vpred.sigma_max': scalar(0.001) }, /sigma_max 0.001/],
      [{ 'edm_vpred.sigma_max': scalar(Number.POSITIVE_INFINITY) }, /no noise levels/],
    ])('is refused for markers that cannot be, %#', async (markers, message) => {
      expect((await failureOf(withMarkers(markers))).message).toMatch(message);
    });
  });
});

describe('what a single file predicts', () => {
  const typeOf = async (tensors: Tensors, metadata = {}, others = {}) =>
    (await describeOne(diskOf(tensors, metadata, others))).schedulerConfig.prediction_type;

  it('is told by metadata, a tensor or a .yaml of its name', async () => {
    expect(await typeOf(sdxl)).toBe('epsilon');
    expect(await typeOf(sdxl, { 'modelspec.prediction_type': 'v' })).toBe('v_prediction');
    expect(await typeOf(sd1, { 'modelspec.predict_key': 'v' })).toBe('v_prediction');
    expect(await typeOf(new Map([...sdxl, ['v_pred', scalar()]]))).toBe('v_prediction');
    const yaml = (line: string) => ({ 'model.yaml': `model:\n  params:\n    ${line}\n    linear_start: 0.00085\n` });
    expect(await typeOf(sd2, {}, yaml('parameterization: "v"'))).toBe('v_prediction');
    expect(await typeOf(sd1, {}, yaml('parameterization: v # velocity'))).toBe('v_prediction');
    expect(await typeOf(sd2, {}, yaml('use_ema: False'))).toBe('epsilon');
    expect((await describeOne(diskOf(sd2, {}, yaml('use_ema: False')))).askPrediction).toBe(false);
    expect((await describeOne(diskOf(sd2))).askPrediction).toBe(true);
  });

  it('is what the user says, over all that files say', async () => {
    const files = diskOf(new Map([...sdxl, ['v_pred', scalar()]]));
    const config = async (prediction: 'epsilon' | 'v') =>
      (await describeModel(files, 's/model.safetensors', { prediction })).schedulerConfig.prediction_type;
    expect(await config('epsilon')).toBe('epsilon');
    expect(await config('v')).toBe('v_prediction');
    const folder = memoryFiles(below('f', tinyModel('sd1').files));
    expect((await describeModel(folder, 'f', { prediction: 'v' })).schedulerConfig.prediction_type).toBe(
      'v_prediction',
    );
  });

  it('starts from pure noise where it says so', async () => {
    const both = new Map([...sdxl, ['v_pred', scalar()], ['ztsnr', scalar()]]);
    expect((await describeOne(diskOf(both))).schedulerConfig).toMatchObject({
      rescale_betas_zero_snr: true,
      timestep_spacing: 'trailing',
    });
    const alone = (await describeOne(diskOf(new Map([...sdxl, ['ztsnr', scalar()]])))).schedulerConfig;
    expect(alone).toMatchObject({ prediction_type: 'epsilon', rescale_betas_zero_snr: false });
  });
});

describe('the spacing of timesteps', () => {
  it('of Stable Diffusion 1 is left to the sampler, as by its published folder', async () => {
    const model = tinyModel('sd1');
    const scheduler = JSON.parse(String(model.files['scheduler/scheduler_config.json'])) as Record<string, unknown>;
    delete scheduler.timestep_spacing;
    const folder = { ...model.files, 'scheduler/scheduler_config.json': JSON.stringify(scheduler) };
    expect(await imageOf(diskOf(sd1), 's/model.safetensors', { scheduler: 'euler' })).toEqual(
      await imageOf(memoryFiles(below('f', folder)), 'f', { scheduler: 'euler' }),
    );
  });

  it('of SDXL is leading, as its published folder states', async () => {
    expect((await describeOne(diskOf(sdxl))).schedulerConfig).toMatchObject({ timestep_spacing: 'leading' });
  });
});

describe('a name that tells of few steps', () => {
  const described = async (name: string) => {
    const files = memoryFiles({ [`s/${name}`]: writeSafetensors(sd1), ...below('s', vocabularyFiles) });
    return describeModel(files, `s/${name}`);
  };

  it.each([
    ['sd_turbo.safetensors', 1],
    ['dreamshaperXL_turboDPMSDE.safetensors', 1],
    ['RealVisXL_V4.0_Lightning.safetensors', 4],
    ['sdxl_lightning_8step.safetensors', 8],
    ['juggernautXL_v9Rdphoto2Lightning.safetensors', 4],
    ['Hyper-SDXL-1step-Unet.safetensors', 1],
    ['HyperSDXL.safetensors', 4],
  ])('%s: %i, and says so', async (name, steps) => {
    const { defaults, remark } = await described(name);
    expect(defaults).toMatchObject({ steps, guidanceScale: 1 });
    expect(remark).toMatch(/in its name, so it is taken for a distilled model.*rename the file/);
  });

  it.each([
    'juggernautXL_hyperrealistic.safetensors', 'hyper_realistic_v2.safetensors', 'turbocharged.safetensors',
    'lightningbolt-style.safetensors', 'Hyper-Detailed.safetensors', 'enlightning.safetensors', 'model.safetensors',
  ])('%s tells of none', async (name) => {
    const { defaults, remark, schedulerConfig } = await described(name);
    expect(defaults).toMatchObject({ steps: 30, guidanceScale: 7.5 });
    expect([remark, schedulerConfig.timestep_spacing]).toEqual([undefined, undefined]);
  }); // biome-ignore format: names

  it('is told to the user as the model is loaded', async () => {
    const files = memoryFiles({ 's/a-turbo.safetensors': writeSafetensors(sd1), ...below('s', vocabularyFiles) });
    const remarks: string[] = [];
    await imageOf(files, 's/a-turbo.safetensors', { options: { remark: (sentence) => remarks.push(sentence) } });
    expect(remarks).toEqual([expect.stringContaining('"a-turbo.safetensors" has the word "turbo"')]);
  });
});

describe('the VAE of a single file as a decoder', () => {
  const prefix = 'first_stage_model.';
  const alone = new Map(
    [...sd1].flatMap(([name, tensor]) => (name.startsWith(prefix) ? [[name.slice(prefix.length), tensor]] : [])),
  ) as Tensors;
  const model = tinyModel('sd1');
  const images = async (files: Files, location: string, format?: LatentFormat) => {
    const decoder = await loadDecoder(files, location, format);
    const image = tidy(() => decoder.decode(latentNoise([1], [4, 4, 4])).dataSync());
    decoder.dispose();
    return image;
  };
  const folder = memoryFiles(below('f', model.files));

  it.each([
    ['alone, in the names of latent-diffusion', alone],
    ['alone, below first_stage_model.', renamed(alone, (name) => prefix + name)],
    ['alone, in the names of diffusers', model.components.vae!.tensors],
    ['with what its training left', new Map([...alone, ['loss.logvar', scalar()], ['model_ema.decay', scalar()]])],
    ['without its encoder', new Map([...alone].filter(([name]) => !/^(encoder|quant_conv)\./.test(name)))],
    ['with its whole model', sd1],
  ])('%s', async (_, tensors) => {
    expect(await images(diskOf(tensors as Tensors), 's/model.safetensors')).toEqual(await images(folder, 'f/vae'));
  });

  it('takes latents as their generator scales them', async () => {
    const files = diskOf(alone);
    const xl = memoryFiles({
      'v/config.json': JSON.stringify({ ...model.components.vae!.config, scaling_factor: 0.13025 }),
      'v/model.safetensors': writeSafetensors(alone.size ? model.components.vae!.tensors : new Map()),
    });
    expect(await images(files, 's/model.safetensors', { scale: 0.13025 })).toEqual(await images(xl, 'v'));
  });

  it('takes latents by the statistics of their generator, whatever a folder says of others', async () => {
    const format = { scale: 0.5, statistics: { mean: [-1.5, 2, -1.25, 2.5], std: [8.5, 6, 6.5, 5] } };
    const config = { ...model.components.vae!.config, scaling_factor: 0.5 };
    const playground = { ...config, latents_mean: format.statistics.mean, latents_std: format.statistics.std };
    const own = memoryFiles({ ...below('f', model.files), 'f/vae/config.json': JSON.stringify(playground) });
    const expected = await images(own, 'f/vae');
    expect(await images(folder, 'f/vae')).not.toEqual(expected);
    expect(await images(folder, 'f/vae', format)).toEqual(expected);
    expect(await images(diskOf(alone), 's/model.safetensors', format)).toEqual(expected);
    const tiny = diskOf(new Map([['1.weight', { dtype: 'F32', shape: [8, 4, 3, 3], values: new Float32Array(288) }]]));
    await expect(loadDecoder(tiny, 's/model.safetensors', format)).rejects.toMatchObject({
      code: 'DOES_NOT_FIT',
      message: expect.stringContaining('take a whole VAE'),
    });
  });

  it('says what else a file is', async () => {
    const lora = new Map([['lora_unet_down.lora_down.weight', scalar()]]) as Tensors;
    await expect(loadDecoder(diskOf(lora), 's/model.safetensors')).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringMatching(/is no decoder: .*It looks like a LoRA/),
    });
  });
});
