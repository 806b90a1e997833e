import { beforeAll, describe, expect, it } from 'vitest';
import { describeModel, loadGenerator } from '../../../../../nodes/ml/models/load/loadGenerator.ts';
import { type StoredTensor, writeSafetensors } from '../../../../../nodes/ml/weights/writeSafetensors.ts';
import { guardLeaks, openTestDevice } from '../../../../support/devices.ts';
import { imageOf } from '../../../../support/imageOf.ts';
import { ldmFile } from '../../../../support/ldmFile.ts';
import { memoryFiles } from '../../../../support/memoryFiles.ts';
import { type Kind, type Tensors, tinyModel, vocabularyFiles } from '../../../../support/tinyModels.ts';

beforeAll(async () => {
  await openTestDevice();
});
guardLeaks();

const models = { sd1: tinyModel('sd1'), sd2: tinyModel('sd2'), sdxl: tinyModel('sdxl') };
const singles = { sd1: ldmFile(models.sd1), sd2: ldmFile(models.sd2), sdxl: ldmFile(models.sdxl) };
const below = (folder: string, files: Readonly<Record<string, Uint8Array | string>>) =>
  Object.fromEntries(Object.entries(files).map(([name, content]) => [`${folder}/${name}`, content]));
const bases = {
  ...below('folder-sd1', models.sd1.files),
  ...below('folder-sdxl', models.sdxl.files),
  's/sdxl.safetensors': writeSafetensors(singles.sdxl),
  ...below('s', vocabularyFiles),
};

/** The U-Net of a tiny model with other weights than the base has, so that it matters which is taken. */
const changed = (tensors: Tensors): Tensors =>
  new Map(
    [...tensors].map(([name, tensor]): [string, StoredTensor] => [
      name,
      name.includes('conv_out.') ? { ...tensor, values: (tensor.values as Float32Array).map((each) => -each) } : tensor,
    ]),
  );
const unetOf = (kind: Kind): Tensors => changed(models[kind].components.unet!.tensors);
const prefixed = (prefix: string, tensors: Tensors): Tensors =>
  new Map([...tensors].map(([name, tensor]) => [prefix + name, tensor]));
/** In the names of latent-diffusion, below `prefix`. */
function ldmUnetOf(kind: Kind, prefix: string): Tensors {
  const own = 'model.diffusion_model.';
  const { unet, ...others } = models[kind].components;
  const file = ldmFile({ ...models[kind], components: { ...others, unet: { ...unet!, tensors: unetOf(kind) } } });
  const inside = [...file].filter(([name]) => name.startsWith(own));
  return new Map(inside.map(([name, tensor]) => [prefix + name.slice(own.length), tensor]));
}
const diskOf = (tensors: Tensors, name = 'unet.safetensors', metadata: Record<string, string> = {}) =>
  memoryFiles({ ...bases, [name]: writeSafetensors(tensors, metadata) });

/** What the model draws whose folder has the changed U-Net. */
async function wholeImage(kind: 'sd1' | 'sdxl'): Promise<Float32Array> {
  const unet = 'unet/diffusion_pytorch_model.fp16.safetensors';
  return imageOf(memoryFiles(below('f', { ...models[kind].files, [unet]: writeSafetensors(unetOf(kind)) })), 'f');
}

describe('a U-Net alone with a base', () => {
  let expected: Record<'sd1' | 'sdxl', Float32Array>;
  beforeAll(async () => {
    expected = { sd1: await wholeImage('sd1'), sdxl: await wholeImage('sdxl') };
  });

  it.each([
    ['sd1', "diffusers' names", unetOf('sd1'), 'folder-sd1'],
    ['sdxl', "diffusers' names", unetOf('sdxl'), 'folder-sdxl'],
    ['sdxl', "diffusers' names, with a single file", unetOf('sdxl'), 's/sdxl.safetensors'],
    ['sdxl', "diffusers' names below unet.", prefixed('unet.', unetOf('sdxl')), 'folder-sdxl'],
    ['sd1', "latent-diffusion's names", ldmUnetOf('sd1', ''), 'folder-sd1'],
    [
      'sdxl',
      "latent-diffusion's names below model.diffusion_model.",
      ldmUnetOf('sdxl', 'model.diffusion_model.'),
      's/sdxl.safetensors',
    ],
  ] as const)('%s in %s draws as the whole model', async (kind, _, tensors, base) => {
    expect(await imageOf(diskOf(tensors), 'unet.safetensors', { stated: { base } })).toEqual(expected[kind]);
  });

  it('may be a folder of diffusers, with its config or without', async () => {
    const folder = { 'diffusion_pytorch_model.fp16.safetensors': writeSafetensors(unetOf('sd1')) };
    const config = { 'config.json': JSON.stringify(models.sd1.components.unet!.config) };
    for (const content of [folder, { ...folder, ...config }]) {
      const files = memoryFiles({ ...bases, ...below('u', content) });
      expect(await imageOf(files, 'u', { stated: { base: 'folder-sd1' } })).toEqual(expected.sd1);
    }
  });

  it('says what it is named, and holds only what it needs', async () => {
    const files = diskOf(unetOf('sdxl'));
    const [own, whole] = [
      await loadGenerator(files, 'unet.safetensors', {}, { base: 's/sdxl.safetensors' }),
      await loadGenerator(files, 'folder-sdxl'),
    ];
    expect(own.name).toBe('unet.safetensors with sdxl.safetensors');
    expect(own.bytes).toBe(whole.bytes);
    own.dispose();
    whole.dispose();
  });
});

describe('what the file of a U-Net says', () => {
  const base = 'folder-sdxl';
  const scalar = { dtype: 'F32', shape: [], values: Float32Array.of(1) } as const;
  const describeWith = (markers: Record<string, StoredTensor>, name = 'u.safetensors', metadata = {}) =>
    describeModel(diskOf(new Map([...unetOf('sdxl'), ...Object.entries(markers)]), name, metadata), name, { base });

  it('goes before the base: its prediction, zero SNR, noise levels', async () => {
    expect((await describeWith({})).schedulerConfig).toMatchObject({ timestep_spacing: 'leading', steps_offset: 1 });
    expect((await describeWith({ v_pred: scalar, ztsnr: scalar })).schedulerConfig).toMatchObject({
      ...{ prediction_type: 'v_prediction', rescale_betas_zero_snr: true, timestep_spacing: 'trailing' },
    });
    const said = await describeWith({}, 'u.safetensors', { 'modelspec.prediction_type': 'v' });
    expect(said.schedulerConfig.prediction_type).toBe('v_prediction');
    const edm = await describeWith({ 'edm_vpred.sigma_max': { ...scalar, values: Float32Array.of(90) } });
    expect(edm.schedulerConfig).toMatchObject({ _class_name: 'EDMEulerScheduler', sigma_max: 90 });
  });

  it('is in its name, where it takes few steps', async () => {
    const few = await describeWith({}, 'sdxl_lightning_4step_unet.safetensors');
    expect(few.defaults).toMatchObject({ steps: 4, guidanceScale: 1 });
    expect(few.schedulerConfig).toMatchObject({ _class_name: 'EulerDiscreteScheduler', timestep_spacing: 'trailing' });
    expect(few.remark).toMatch(/"lightning" in its name/);
  });
});

describe('what does not fit is said in a sentence', () => {
  const failureOf = (tensors: Tensors, base?: string) =>
    describeModel(diskOf(tensors), 'unet.safetensors', base === undefined ? {} : { base }).then(
      () => expect.fail('It is described.'),
      (error: Error) => error,
    );

  it('a U-Net of another family', async () => {
    for (const [kind, base] of [
      ['sd1', 'folder-sdxl'],
      ['sdxl', 'folder-sd1'],
    ] as const)
      expect(await failureOf(unetOf(kind), base)).toMatchObject({
        code: 'DOES_NOT_FIT',
        at: { param: 'base' },
        message: expect.stringMatching(
          /is a U-Net for text features \d+ wide, and the base "folder-\w+" gives \d+: take a base of its family/,
        ),
      });
  });

  it('a whole model with a base, and a U-Net without one', async () => {
    expect((await failureOf(singles.sd1, 'folder-sd1')).message).toMatch(/of its own: leave base empty/);
    for (const tensors of [unetOf('sd1'), ldmUnetOf('sd1', 'model.diffusion_model.'), ldmUnetOf('sd1', '')])
      expect(await failureOf(tensors)).toMatchObject({
        code: 'UNSUPPORTED',
        at: { param: 'base' },
        message: expect.stringContaining('is a U-Net alone, without text encoder and VAE: name a whole model'),
      });
    const folders = memoryFiles(bases);
    await expect(describeModel(folders, 'folder-sd1', { base: 'folder-sd1' })).rejects.toThrow(/is a whole model/);
  });

  it('a file that is no U-Net, and one with more than that', async () => {
    const vae = models.sd1.components.vae!.tensors;
    expect((await failureOf(vae, 'folder-sd1')).message).toMatch(/is no U-Net: .* It looks like a VAE/);
    const more = new Map([...unetOf('sd1'), ['something.else', [...vae.values()][0]!]]);
    await expect(loadGenerator(diskOf(more), 'unet.safetensors', {}, { base: 'folder-sd1' })).rejects.toMatchObject({
      code: 'UNKNOWN_WEIGHTS',
      message: expect.stringContaining('something.else'),
    });
  });
});
