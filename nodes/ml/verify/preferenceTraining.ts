import { joinPath } from '../../files.ts';
import { ddim } from '../diffusion/ddim.ts';
import { alphasCumprod } from '../diffusion/noiseSchedule.ts';
import type { SchedulerConfig } from '../diffusion/scheduler.ts';
import { readSettings, trainedAllowed, trainedDefaults } from '../diffusion/settings.ts';
import { describeModel } from '../models/load/loadGenerator.ts';
import { readLora } from '../models/load/loadLora.ts';
import { type LoadedModel, loadDescribed, type ModelDescription } from '../models/load/modelDescription.ts';
import { type Adapter, changedWeight } from '../models/lora.ts';
import { unet2DCondition } from '../models/unet2DCondition.ts';
import { stopGradient } from '../nn/stopGradient.ts';
import { logRatio } from '../preference/logRatio.ts';
import { dpo, margin } from '../preference/pairLosses.ts';
import {
  add,
  clone,
  concat,
  dispose,
  grads,
  mul,
  neg,
  reshape,
  type Scalar,
  slice,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor3D,
  type Tensor4D,
  tensor1d,
  tensor2d,
  tidy,
  tile,
  valueAndGrads,
} from '../tf.ts';
import { adamWStep, startAdamW } from '../train/adamW.ts';
import { loadWeights } from '../weights/loadWeights.ts';
import { openWhole } from '../weights/wholeFile.ts';
import { channelsFirst, channelsLast } from './channels.ts';
import { computedWeights } from './computedWeights.ts';
import type { GoldenFolder } from './family.ts';
import { locateShared } from './goldenPath.ts';

/** The factors of an adapter that are trained, and the U-Net under them. */
interface Adapted {
  readonly golden: GoldenFolder;
  readonly description: ModelDescription;
  readonly model: LoadedModel;
  readonly adapter: Adapter;
  /** In one order: by module, down before up. */
  readonly factors: readonly { readonly module: string; readonly end: 'down' | 'up'; readonly tensor: Tensor2D }[];
}

/** Signal left at each training timestep of the case's scheduler. */
export function readAlphaBars({ settings }: GoldenFolder): Float32Array {
  return alphasCumprod(readSettings(settings.scheduler as SchedulerConfig, trainedDefaults, trainedAllowed));
}

/** Trainings of an adapter of a U-Net: five steps of DPO, the gradients of DCPO and DRaFT, and a user's tokens. */
export async function adapterTrainings(golden: GoldenFolder): Promise<void> {
  if (!golden.wanted.some(({ name }) => /^out\.(train|dcpo|draft|ppd)\./.test(name))) return;
  const place = String(golden.settings.unet).replace(/\/unet$/, '');
  const description = await describeModel(golden.files, await locateShared(golden, place));
  const model = await loadDescribed(description, {});
  try {
    const open = async (folder: string): Promise<Adapted> => {
      const path = joinPath(golden.path, `${folder}/pytorch_lora_weights.safetensors`);
      const shapes = { name: model.name, shapes: model.adaptable.shapes };
      const adapter = await readLora(golden.files, path, shapes, { unet: 1, text: 1 });
      const factors = [...(adapter.changes.unet ?? [])].flatMap(([weight, [change]]) => {
        if (change?.kind !== 'lora') return [];
        const module = weight.slice(0, -'.weight'.length);
        return (['down', 'up'] as const).map((end) => ({ module, end, tensor: change[end] }));
      });
      return { golden, description, model, adapter, factors };
    };
    for (const [folder, outputs, names] of [
      ['train', trainOutputs, /^out\.train\./],
      ['adapted', gradientOutputs, /^out\.(dcpo|draft)\./],
    ] as const) {
      if (!golden.wanted.some(({ name }) => names.test(name))) continue;
      const adapted = await open(folder);
      try {
        await outputs(adapted);
      } finally {
        adapted.adapter.dispose();
      }
    }
    await userOutputs(golden, description, model);
  } finally {
    model.dispose();
  }
}

/** The U-Net with the adapter of these factors, or without one. [N, h, w, c]. Differentiable in the factors. */
function predict(
  { model, description, adapter, factors }: Adapted,
  latents: Tensor4D,
  timesteps: Tensor1D,
  context: Tensor3D,
  variables: readonly Tensor[] | undefined,
): Tensor4D {
  const base = model.weights.unet;
  const of = (weight: string, end: 'down' | 'up') => {
    const at = factors.findIndex((factor) => `${factor.module}.weight` === weight && factor.end === end);
    return variables![at] as Tensor2D;
  };
  const weights = computedWeights(base, (weight) => {
    const change = variables && adapter.changes.unet?.get(weight)?.[0];
    if (change?.kind !== 'lora') return undefined;
    return changedWeight(base.get(weight), [{ ...change, down: of(weight, 'down'), up: of(weight, 'up') }]);
  });
  return unet2DCondition(weights, description.unet.config)(latents, timesteps, context);
}

/** x_t = sqrt(a) x0 + sqrt(1 - a) eps of images [N, h, w, c] at timesteps [N]. */
function addNoise(golden: GoldenFolder, clean: Tensor4D, noise: Tensor4D, timesteps: readonly number[]): Tensor4D {
  const bars = readAlphaBars(golden);
  const column = (of: (a: number) => number): Tensor =>
    reshape(tensor1d(timesteps.map((t) => Math.sqrt(of(bars[t]!)))), [-1, 1, 1, 1]);
  return add(
    mul(
      clean,
      column((a) => a),
    ),
    mul(
      noise,
      column((a) => 1 - a),
    ),
  );
}

/** The same rows once more behind. */
export const twice = <T extends Tensor>(tensor: T): T => concat([tensor as Tensor, tensor as Tensor]) as T;

/** What one step of DPO draws: winners, then losers, which share noise and timestep. */
async function readBatch({ golden }: Adapted, step: number) {
  const [, pairs] = golden.input('in.train.timestep').shape as [number, number];
  const all = Array.from(await golden.input('in.train.timestep').data());
  const own = all.slice(step * pairs, (step + 1) * pairs);
  const timesteps = [...own, ...own];
  return tidy(() => {
    const drawn = golden.input('in.train.noise') as Tensor;
    const noise = slice(drawn, [step, 0, 0, 0, 0], [1, ...drawn.shape.slice(1)]);
    const target = twice(channelsLast(reshape(noise, drawn.shape.slice(1))));
    const latents = addNoise(golden, channelsLast(golden.input('in.train.latents')), target, timesteps);
    return { target, latents, timesteps: tensor1d(timesteps) };
  });
}
type Batch = Awaited<ReturnType<typeof readBatch>>;

/** u of each pair, [P]; differentiable in the factors. */
function marginOf(
  adapted: Adapted,
  { target, latents, timesteps }: Batch,
  context: Tensor3D,
  variables: readonly Tensor[],
  { beta, scale }: { readonly beta: number; readonly scale: number },
): Tensor1D {
  const reference = stopGradient(() => predict(adapted, latents, timesteps, context, undefined));
  const ell = logRatio(target, reference, predict(adapted, latents, timesteps, context, variables), scale);
  const pairs = ell.shape[0] / 2;
  return margin(slice(ell, 0, pairs), slice(ell, pairs, pairs), beta);
}

/** Five steps of DPO by AdamW on all factors. */
async function trainOutputs(adapted: Adapted): Promise<void> {
  const { golden, factors } = adapted;
  const stated = golden.settings.train as {
    beta: number;
    scale: number;
    learning_rate: number;
    betas: [number, number];
    epsilon: number;
    weight_decay: number;
    clip_norm: number;
  };
  const settings = {
    learningRate: stated.learning_rate,
    beta1: stated.betas[0],
    beta2: stated.betas[1],
    epsilon: stated.epsilon,
    weightDecay: stated.weight_decay,
    clipNorm: stated.clip_norm,
    averageDecay: 0,
  };
  const context = tidy(() => twice(golden.input('in.train.context') as Tensor3D));
  const state = startAdamW(joinValues(await Promise.all(factors.map(({ tensor }) => tensor.data()))));
  const unflatten = () => {
    let at = 0;
    return factors.map(({ tensor }) => {
      at += tensor.size;
      return tensor2d(state.parameters.slice(at - tensor.size, at), tensor.shape);
    });
  };
  const rows = { loss: [] as number[], margin: [] as number[], grad_norm: [] as number[] };
  const [steps] = golden.input('in.train.timestep').shape as [number];
  try {
    for (let step = 0; step < steps; step++) {
      const batch = await readBatch(adapted, step);
      const variables = unflatten();
      const made: Tensor[] = [...Object.values(batch), ...variables];
      try {
        const u = tidy(() => marginOf(adapted, batch, context, variables, stated));
        const loss = (...now: Tensor[]) => dpo(marginOf(adapted, batch, context, now, stated));
        const { value, grads: gradients } = tidy(() => valueAndGrads(loss)([...variables]));
        made.push(u, value, ...gradients);
        rows.margin.push(...(await u.data()));
        rows.loss.push(...(await value.data()));
        const flat = joinValues(await Promise.all(gradients.map((each) => each.data())));
        rows.grad_norm.push(Math.sqrt(flat.reduce((sum, each) => sum + each ** 2, 0)));
        handFactors(adapted, `out.train.grad_step_${step + 1}`, gradients);
        adamWStep(state, flat, settings);
      } finally {
        dispose(made);
      }
    }
    for (const [name, values] of Object.entries(rows)) golden.output(`out.train.${name}`, values);
    const [last, variables] = [await readBatch(adapted, steps - 1), unflatten()];
    golden.output(
      'out.train.noise_pred',
      tidy(() => channelsFirst(predict(adapted, last.latents, last.timesteps, context, variables))),
    );
    handFactors(adapted, 'out.train.after', variables);
    dispose([...Object.values(last), ...variables]);
  } finally {
    dispose(context);
  }
}

/** The gradients of DCPO, whose pairs have two captions, and of DRaFT, through the last steps of the sampler. */
async function gradientOutputs(adapted: Adapted): Promise<void> {
  const { golden, factors } = adapted;
  const variables = factors.map(({ tensor }) => tensor);
  const batch = await readBatch(adapted, 0);
  const stated = golden.settings.dcpo as { beta: number; scale: number };
  const context = tidy(
    () => concat([golden.input('in.train.context'), golden.input('in.dcpo.loser_context')]) as Tensor3D,
  );
  const posed = (...now: Tensor[]) => dpo(marginOf(adapted, batch, context, now, stated));
  const { value, grads: gradients } = tidy(() => valueAndGrads(posed)([...variables]));
  golden.output('out.dcpo.loss', value);
  handFactors(adapted, 'out.dcpo.grad', gradients);
  dispose([...gradients, ...Object.values(batch), context]);

  const { truncated } = golden.settings.draft as { truncated: readonly number[] };
  for (const last of truncated) {
    const through = tidy(() => grads((...now: Tensor[]) => draftLoss(adapted, now, last))([...variables]));
    handFactors(adapted, `out.draft.grad_k${last}`, through);
    dispose(through);
  }
  golden.output(
    'out.draft.latents',
    tidy(() => channelsFirst(drawGuided(adapted, variables, 0))),
  );
}

const draftLoss = (adapted: Adapted, variables: readonly Tensor[], last: number): Scalar =>
  neg(sum(mul(drawGuided(adapted, variables, last), channelsLast(adapted.golden.input('in.draft.weight')))));

/** Latents at the end of guided DDIM, of which the last steps have gradients. */
function drawGuided(adapted: Adapted, variables: readonly Tensor[], last: number): Tensor4D {
  const { golden } = adapted;
  const { steps, guidance_scale: guidance } = golden.settings.draft as { steps: number; guidance_scale: number };
  const scheduler = ddim(golden.settings.scheduler as SchedulerConfig);
  const plan = scheduler.plan(steps);
  const context = golden.input('in.draft.context') as Tensor3D;
  const move = (x: Tensor4D, i: number): Tensor4D => {
    const both = predict(adapted, tile(x, [2, 1, 1, 1]), tensor1d([plan.timesteps[i]!]), context, variables);
    const rows = [1, ...x.shape.slice(1)];
    const [plain, asked] = [slice(both, [0, 0, 0, 0], rows), slice(both, [1, 0, 0, 0], rows)];
    const modelOutput = add<Tensor4D>(plain, mul(sub(asked, plain), guidance));
    return scheduler.step<Tensor4D>(plan, i, { x, modelOutput, state: [] }).x;
  };
  const until = (x: Tensor4D, from: number, to: number): Tensor4D => {
    let now = x;
    for (let i = from; i < to; i++) now = move(now, i);
    return now;
  };
  const start = stopGradient(() => until(channelsLast(golden.input('in.draft.latents')), 0, steps - last));
  return until(start, steps - last, steps);
}

/** A user's tokens beside the prompt's, by decoupled cross-attention as in IP-Adapter's files. */
async function userOutputs(golden: GoldenFolder, description: ModelDescription, model: LoadedModel): Promise<void> {
  if (!golden.wanted.some(({ name }) => name.startsWith('out.ppd.'))) return;
  const { user_scale: scale } = golden.settings.ppd as { user_scale: number };
  const file = await openWhole(golden.files, joinPath(golden.path, 'user/ip_adapter.safetensors'));
  const modules = orderImageAttentions(model.weights.unet.names());
  const tensors = await loadWeights(file, {
    rename(name) {
      const [, number, rest] = /(\d+)\.(to_[kv]_ip\.weight)$/.exec(name) ?? [];
      return `${modules[(Number(number) - 1) / 2]}.${rest}`;
    },
  });
  const timesteps = Array.from(await golden.input('in.train.timestep').data());
  const weights = computedWeights(model.weights.unet, (name) => tensors.get(name));
  try {
    const draw = (user: Tensor) => {
      const context = golden.input('in.train.context') as Tensor3D;
      const count = context.shape[0];
      const all = golden.input('in.train.latents') as Tensor4D;
      const latents = channelsLast(slice(all, [0, 0, 0, 0], [count, ...all.shape.slice(1)]));
      const unet = unet2DCondition(weights, description.unet.config);
      const image = { tokens: user as Tensor3D, scale };
      return unet(latents, tensor1d(timesteps.slice(0, count)), context, { image });
    };
    const user = golden.input('in.ppd.user');
    golden.output(
      'out.ppd.noise_pred',
      tidy(() => channelsFirst(draw(user))),
    );
    const through = (now: Tensor) => {
      const drawn = golden.input('in.train.noise');
      const noise = reshape(slice(drawn, [0, 0, 0, 0, 0], [1, ...drawn.shape.slice(1)]), drawn.shape.slice(1));
      return sum(mul(draw(now), channelsLast(noise))) as Scalar;
    };
    golden.output('out.ppd.grad_user', tidy(() => grads(through)([user]))[0]!);
  } finally {
    dispose([...tensors.values()]);
  }
}

/** The attentions to the text in the order that files of IP-Adapter count them: way down, way up, middle. */
function orderImageAttentions(names: readonly string[]): string[] {
  const places = ['down_blocks', 'up_blocks', 'mid_block'];
  const modules = names.flatMap((name) => /^(.*\.attn2)\.to_k\.weight$/.exec(name)?.[1] ?? []);
  const rank = (name: string) => places.findIndex((place) => name.startsWith(place));
  return modules.sort((a, b) => rank(a) - rank(b) || a.localeCompare(b, 'en', { numeric: true }));
}

/** Hands over values of the watched factors: `<start>.<module>.<down or up>`. */
function handFactors({ golden, factors }: Adapted, start: string, values: readonly Tensor[]): void {
  for (const [i, { module, end }] of factors.entries()) {
    const name = `${start}.${module}.${end}`;
    if (golden.wanted.some((row) => row.name === name)) golden.output(name, clone(values[i]!));
  }
}

function joinValues(parts: readonly ArrayLike<number>[]): Float32Array<ArrayBuffer> {
  return Float32Array.from(parts.flatMap((part) => Array.from(part)));
}
