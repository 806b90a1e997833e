import { joinPath } from '../../files.ts';
import type { Generator, SampleRequest } from '../../ports.ts';
import { createScheduler } from '../diffusion/createScheduler.ts';
import { schedulerConfig, schedulerNames } from '../diffusion/schedulers.ts';
import { autoencoderKL, autoencoderKLConfig } from '../models/autoencoderKL.ts';
import { describeModel } from '../models/load/loadGenerator.ts';
import { type LoadedModel, loadDescribed } from '../models/load/modelDescription.ts';
import { readConfig } from '../models/load/modelFolder.ts';
import { promptIds } from '../models/promptFeatures.ts';
import { stableDiffusion } from '../models/stableDiffusion.ts';
import { readMerges, simpleTokenizer } from '../text/simpleTokenizer.ts';
import { concat, grad, mul, sum, type Tensor, type Tensor2D, type Tensor3D, type Tensor4D, tidy } from '../tf.ts';
import { channelsFirst, channelsLast } from './channels.ts';
import { denoiseAll } from './denoiseAll.ts';
import type { Family, GoldenFolder } from './family.ts';
import { unetOutputs } from './unetOutputs.ts';

/** A diffusers folder of Stable Diffusion 1, 2, XL or a distilled one: tokens, text encoders, U-Net, VAE, whole pipeline. */
export const stableDiffusionFamily: Family = async (golden) => {
  const description = await describeModel(golden.files, golden.path);
  const model = await loadDescribed(description, {});
  const generator = stableDiffusion(model);
  try {
    await tokenOutputs(golden, model);
    textOutputs(golden, model);
    unetOutputs(golden, model.weights.unet, description.unet.config);
    await autoencoderOutputs(golden, model);
    scheduleOutputs(golden, model);
    pipelineOutputs(golden, generator, model);
  } finally {
    generator.dispose();
  }
};

/** Computes the wanted tensors whose names match; `groups` are what the pattern caught. */
function each(
  golden: GoldenFolder,
  pattern: RegExp,
  compute: (...groups: string[]) => Tensor | readonly number[],
): void {
  for (const { name } of golden.wanted) {
    const match = pattern.exec(name);
    if (match) golden.output(name, compute(...match.slice(1)));
  }
}

async function tokenOutputs(golden: GoldenFolder, { encoders }: LoadedModel): Promise<void> {
  const prompts = golden.settings.prompts as string[];
  each(golden, /^out\.tokens\.input_ids(?:_(\d+))?$/, (which = '1') =>
    prompts.flatMap((prompt) => promptIds(prompt, encoders[Number(which) - 1]!)),
  );
  if (!golden.wanted.some(({ name }) => name === 'out.tokens.simple_ids')) return;
  const folder = joinPath(golden.path, 'simple_tokenizer');
  const name = (await golden.files.list(folder))?.find((file) => file.endsWith('.gz')) ?? 'bpe_vocab.txt.gz';
  const path = joinPath(folder, name);
  const tokenizer = simpleTokenizer(readMerges(await golden.files.read(path), path));
  const ids = prompts.flatMap((prompt) => tokenizer.encode(prompt, tokenizer.maxLength));
  golden.output('out.tokens.simple_ids', ids);
}

function textOutputs(golden: GoldenFolder, model: LoadedModel): void {
  const prompts = golden.settings.prompts as string[];
  const chosen = (golden.settings.hidden_state_prompts as number[]).map((i) => prompts[i]!);
  const encoder = model.encoders[0]!;
  const encoded = (skip: number) =>
    encoder.encode(
      chosen.map((prompt) => promptIds(prompt, encoder)),
      { skip },
    );
  each(golden, /^out\.text\.last_hidden_state$/, () => tidy(() => encoded(0).lastHiddenState));
  each(golden, /^out\.text\.pooled$/, () => tidy(() => encoded(0).pooled));
  each(golden, /^out\.text\.clip_skip_(\d+)$/, (skip) => tidy(() => encoded(Number(skip)).lastHiddenState));
  const features = () => chosen.map((prompt) => model.encodePrompt(prompt));
  each(golden, /^out\.text\.prompt_embeds$/, () =>
    tidy(() => concat(features().map(({ context }) => context)) as Tensor3D),
  );
  each(golden, /^out\.text\.pooled_prompt_embeds$/, () =>
    tidy(() => concat(features().map(({ pooled }) => pooled!)) as Tensor2D),
  );
}

async function autoencoderOutputs(golden: GoldenFolder, { weights }: LoadedModel): Promise<void> {
  const config = autoencoderKLConfig(await readConfig(golden.files, joinPath(golden.path, 'vae')));
  const { encode, decode } = autoencoderKL(weights.autoencoder, config, { recompute: true });
  const input = (name: string) => channelsLast(golden.input(`in.vae.${name}`));
  each(golden, /^out\.vae\.decoded$/, () => tidy(() => channelsFirst(decode(input('latents')))));
  each(golden, /^out\.vae\.encoded_(mean|logvar)$/, (part) =>
    tidy(() => channelsFirst(encode(input('image'))[part as 'mean' | 'logvar'])),
  );
  each(golden, /^out\.vae\.grad_latents$/, () =>
    tidy(() => {
      const weight = input('image_weight');
      return channelsFirst(grad((latents) => sum(mul(decode(latents as Tensor4D), weight)))(input('latents')));
    }),
  );
}

/** Schedules of the model's own scheduler (`out.scheduler.*`) or of a named one (`out.ddim.*`). */
function scheduleOutputs(golden: GoldenFolder, model: LoadedModel): void {
  each(golden, /^out\.(\w+)\.(timesteps|sigmas)_(\d+)$/, (scheduler, kind, steps) => {
    const name = scheduler === 'scheduler' ? 'model' : scheduler!;
    const plan = createScheduler(schedulerConfig(model.schedulerConfig, name)).plan(Number(steps));
    return (kind === 'sigmas' ? plan.sigmas : plan.timesteps) ?? [];
  });
}

interface PipelineSettings {
  readonly prompt: string;
  readonly negative_prompt?: string;
  readonly guidance_scale: number;
  /** `DDIMScheduler.from_config(...)`; the model's own where absent. */
  readonly scheduler?: string;
  readonly steps: number | number[];
  readonly eta?: number;
}

function pipelineOutputs(golden: GoldenFolder, generator: Generator, model: LoadedModel): void {
  const settings = golden.settings.pipeline as PipelineSettings;
  const stated = schedulerNamed(settings.scheduler, model);
  const run = (noise: Tensor4D, steps = settings.steps as number, scheduler = stated) =>
    denoiseAll(generator, requestFor(settings, noise, steps, scheduler));
  const latents = () => channelsLast(golden.input('in.pipeline.latents'));
  const weight = (name: string) => channelsLast(golden.input(`in.pipeline.${name}_weight`));

  each(golden, /^out\.pipeline\.image(?:_(\d+)_steps?(?:_(\w+))?)?$/, (steps, scheduler) =>
    tidy(() => channelsFirst(generator.decode(run(latents(), steps ? Number(steps) : undefined, scheduler).at(-1)!))),
  );
  each(golden, /^out\.pipeline\.latents_per_step$/, () =>
    tidy(() => channelsFirst(concat(run(latents()).slice(0, -1), 0))),
  );
  each(golden, /^out\.pipeline\.grad_latents_(\d+)_steps?$/, (steps) =>
    tidy(() => {
      const [noise, imageWeight] = [latents(), weight('image')];
      const loss = (x: Tensor) => sum(mul(generator.decode(run(x as Tensor4D, Number(steps)).at(-1)!), imageWeight));
      return channelsFirst(grad(loss)(noise));
    }),
  );
  each(golden, /^out\.pipeline\.grad_latents$/, () =>
    tidy(() => {
      const [noise, latentWeight] = [latents(), weight('latent')];
      return channelsFirst(grad((x) => sum(mul(run(x as Tensor4D).at(-1)!, latentWeight)))(noise));
    }),
  );
}

/** The scheduler whose class the case names. */
function schedulerNamed(stated: string | undefined, { schedulerConfig: base }: LoadedModel): string {
  if (!stated) return 'model';
  const className = stated.split('.')[0];
  return schedulerNames.find((name) => readClassName(base, name) === className) ?? 'model';
}

function readClassName(base: LoadedModel['schedulerConfig'], name: string): unknown {
  try {
    return schedulerConfig(base, name)._class_name;
  } catch {
    return undefined; // a scheduler that cannot sample this kind of model
  }
}

function requestFor(settings: PipelineSettings, noise: Tensor4D, steps: number, scheduler: string): SampleRequest {
  return {
    noise: { latents: noise, seeds: new Array<number>(noise.shape[0]).fill(0) },
    prompts: [settings.prompt],
    negativePrompt: settings.negative_prompt ?? '',
    settings: { scheduler, steps, guidanceScale: settings.guidance_scale, eta: settings.eta ?? 0 },
    conditions: [],
  };
}
