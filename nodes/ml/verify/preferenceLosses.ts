import { normaliseRewards, type RewardHistory } from '../preference/advantages.ts';
import { brain } from '../preference/brain.ts';
import { kto } from '../preference/kto.ts';
import { errorPerImage, klPerImage, logRatio } from '../preference/logRatio.ts';
import { implicitAccuracy, rankingAccuracy, winRate } from '../preference/metrics.ts';
import { cdpo, type Divergence, dpo, fDpo, hinge, ipo, margin, rdpo } from '../preference/pairLosses.ts';
import { rankDpo, shareWon } from '../preference/rankDpo.ts';
import { mapo, simpo } from '../preference/referenceFreeLosses.ts';
import { hypo, rpo, seppo, vpo } from '../preference/regularisedLosses.ts';
import { selectPair } from '../preference/selectPair.ts';
import { ddpo, dpok, prdp, stepDpo } from '../preference/stepLosses.ts';
import { type StepPolicy, stepKl, stepLogProb, stepMean } from '../preference/stepPolicy.ts';
import {
  cast,
  dispose,
  grads,
  reshape,
  type Scalar,
  slice,
  sub,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  tidy,
} from '../tf.ts';
import type { Family, GoldenFolder } from './family.ts';
import { adapterTrainings, readAlphaBars, twice } from './preferenceTraining.ts';

interface Stated {
  readonly kind: string;
  readonly loss?: string;
  readonly method?: string;
  readonly divergence?: string;
  readonly online?: boolean;
}
/** The numbers of a case, by their names in it. */
type Numbers = Readonly<Record<string, number>>;

/** What a loss is a function of: the inputs that have gradients, and the loss of them. */
interface Posed {
  readonly variables: readonly string[];
  loss(...variables: Tensor[]): Scalar;
}

/** Losses on preferences with their gradients, metrics, and trainings of an adapter by some of them. */
export const preferenceLosses: Family = async (golden) => {
  const { losses } = golden.settings as { losses: Record<string, Stated> };
  for (const [name, stated] of Object.entries(losses)) await lossOutputs(golden, name, stated);
  plainOutputs(golden);
  await metricOutputs(golden);
  await adapterTrainings(golden);
};

async function lossOutputs(golden: GoldenFolder, name: string, stated: Stated): Promise<void> {
  const wanted = golden.wanted.filter(
    (row) => row.name === `out.${name}.loss` || row.name.startsWith(`out.${name}.grad.`),
  );
  if (wanted.length === 0) return;
  const { variables, loss } = await poseLoss(golden, stated);
  const inputs = variables.map((variable) => golden.input(`in.${variable}`));
  golden.output(
    `out.${name}.loss`,
    tidy(() => loss(...inputs)),
  );
  const gradients = tidy(() => grads(loss)(inputs));
  for (const [i, variable] of variables.entries()) golden.output(`out.${name}.grad.${variable}`, gradients[i]!);
}

async function poseLoss(golden: GoldenFolder, stated: Stated): Promise<Posed> {
  const numbers = stated as unknown as Numbers;
  const { beta, scale: kappa } = numbers as { beta: number; scale: number };
  const input = (name: string) => golden.input(`in.${name}`);
  const pair = (loss: (ell: Halves, model: Tensor) => Scalar): Posed => ({
    variables: ['pair.model'],
    loss: (model) => loss(halves(pairRatio(golden, model!, kappa)), model!),
  });
  const errors = (model: Tensor) => halves(errorPerImage(twice(input('pair.target')), model));
  switch (stated.kind) {
    case 'pair':
      return pair(([w, l]) => pairLoss(stated, numbers, w, l));
    case 'rpo':
      return pair(([w, l], model) => rpo(margin(w, l, beta), errors(model)[0], { eta: numbers.eta!, kappa }));
    case 'vpo':
      return pair(([w, l]) => vpo(w, l, { alpha: numbers.alpha!, beta, online: stated.online === true }));
    case 'seppo':
      return pair(([w, l]) => seppo(w, l, beta));
    case 'simpo':
      return pair((_, model) => simpo(...errors(model), { beta, kappa, gamma: numbers.gamma! }));
    case 'mapo': {
      const { snr, timesteps } = numbers as { snr: number; timesteps: number };
      return pair((_, model) => mapo(...errors(model), { beta, snr, timesteps }));
    }
    case 'hypo':
      return {
        variables: ['pair.model', 'online.model'],
        loss(model, online) {
          const [w, l] = halves(pairRatio(golden, model!, kappa));
          return hypo(margin(w, l, beta), klPerImage(input('online.reference'), online!, kappa), numbers.lambda!);
        },
      };
    case 'kto':
      return {
        variables: ['kto.model'],
        loss: (model) =>
          kto(
            logRatio(input('kto.target'), input('kto.reference'), model!, kappa),
            cast(input('kto.liked') as Tensor1D, 'float32'),
            {
              beta,
              likedWeight: numbers.weight_liked!,
              dislikedWeight: numbers.weight_disliked!,
            },
          ),
      };
    case 'rank_dpo': {
      const phi = (await input('rank.phi').array()) as number[][];
      return { variables: ['rank.model'], loss: (model) => rankDpo(listRatio(golden, model!, kappa), phi, beta) };
    }
    case 'brain':
      return {
        variables: ['rank.model'],
        loss: (model) =>
          brain(
            listRatio(golden, model!, kappa),
            listRatio(golden, input('rank.old'), kappa),
            input('rank.rewards') as Tensor2D,
            numbers.gamma!,
          ),
      };
    case 'prdp': {
      const rewards = Array.from(await input('prdp.rewards').data());
      const [reference, old] = [input('prdp.reference_log_prob'), input('prdp.old_log_prob')] as [Tensor2D, Tensor2D];
      return {
        variables: ['prdp.log_prob'],
        loss: (logProb) => prdp(logProb as Tensor2D, { reference, old, rewards, beta, clip: numbers.clip! }),
      };
    }
    default:
      return poseStepLoss(golden, stated, numbers);
  }
}

/** Losses on steps of the sampler. */
async function poseStepLoss(golden: GoldenFolder, stated: Stated, numbers: Numbers): Promise<Posed> {
  const input = (name: string) => golden.input(`in.step.${name}`);
  const { mean, logProb } = await stepOf(golden, numbers.eta!);
  const variables = ['step.model'];
  if (stated.kind === 'step_dpo') {
    const { beta, epsilon } = numbers as { beta: number; epsilon: number };
    const reference = (): Tensor1D => logProb(input('reference'));
    return {
      variables,
      loss: (model) => stepDpo(...halves(sub<Tensor1D>(logProb(model!), reference())), { beta, epsilon }),
    };
  }
  const [old, advantages] = [input('old_log_prob'), input('advantage')] as [Tensor1D, Tensor1D];
  if (stated.kind === 'ddpo')
    return { variables, loss: (model) => ddpo(logProb(model!), old, advantages, numbers.clip!) };
  if (stated.kind !== 'dpok') throw new Error(`No loss is of the kind "${stated.kind}".`);
  return {
    variables,
    loss: (model) =>
      dpok(logProb(model!), old, advantages, stepKl(mean(model!), mean(input('reference')).mean), {
        clip: numbers.clip!,
        klWeight: numbers.kl_weight!,
      }),
  };
}

async function stepOf(golden: GoldenFolder, eta: number) {
  const input = (name: string) => golden.input(`in.step.${name}`);
  const timesteps = Array.from(await input('timestep').data());
  const alphaBars = readAlphaBars(golden);
  const policy: StepPolicy = { alphaBars, stride: alphaBars.length / Number(golden.settings.sampler_steps), eta };
  const mean = (noise: Tensor) => stepMean(input('latents'), noise, timesteps, policy);
  return { mean, logProb: (noise: Tensor) => stepLogProb(input('next'), mean(noise)) };
}

const divergenceNames: Readonly<Record<string, Divergence>> = {
  forward_kl: 'forward KL',
  js_divergence: 'Jensen-Shannon',
  alpha_divergence: 'alpha',
  reverse_kl: 'reverse KL',
};

function pairLoss({ loss, divergence }: Stated, numbers: Numbers, winner: Tensor1D, loser: Tensor1D): Scalar {
  const { beta, epsilon, alpha } = numbers as { beta: number; epsilon: number; alpha: number };
  if (loss === 'f_dpo') return fDpo(winner, loser, beta, divergenceNames[divergence ?? '']!, alpha);
  const losses: Readonly<Record<string, (u: Tensor1D) => Scalar>> = {
    dpo,
    ipo,
    hinge,
    cdpo: (u) => cdpo(u, epsilon),
    rdpo: (u) => rdpo(u, epsilon),
  };
  return losses[loss ?? '']!(margin(winner, loser, beta));
}

type Halves = [winner: Tensor1D, loser: Tensor1D];

/** Winners, then losers. */
function halves(values: Tensor1D): Halves {
  const half = values.shape[0] / 2;
  return [slice(values, 0, half), slice(values, half, half)];
}

function pairRatio(golden: GoldenFolder, model: Tensor, kappa: number): Tensor1D {
  return logRatio(twice(golden.input('in.pair.target')), golden.input('in.pair.reference'), model, kappa);
}

/** [lists, images] */
function listRatio(golden: GoldenFolder, model: Tensor, kappa: number): Tensor2D {
  const ell = logRatio(golden.input('in.rank.target'), golden.input('in.rank.reference'), model, kappa);
  return reshape(ell, golden.input('in.rank.rewards').shape as [number, number]);
}

/** Log ratios and log probabilities by themselves. */
function plainOutputs(golden: GoldenFolder): void {
  golden.output(
    'out.pair.log_ratio',
    tidy(() => pairRatio(golden, golden.input('in.pair.model'), kappaOf(golden))),
  );
}

const kappaOf = ({ settings }: GoldenFolder) => (settings.losses as { dpo: { scale: number } }).dpo.scale;

async function metricOutputs(golden: GoldenFolder): Promise<void> {
  const {
    ddpo_advantages: buffer,
    metrics,
    spo_select: select,
  } = golden.settings as unknown as {
    ddpo_advantages: { buffer_size: number; min_count: number; prompts: string[][] };
    metrics: { z: number };
    spo_select: { threshold: number };
  };
  const { logProb } = await stepOf(golden, 1);
  golden.output(
    'out.step.log_prob',
    tidy(() => logProb(golden.input('in.step.model'))),
  );
  const scores = (await golden.input('in.synpic.scores').array()) as number[][][]; // reward, prompt, image
  golden.output(
    'out.synpic.phi',
    scores[0]!.flatMap((_, prompt) => shareWon(scores.map((reward) => reward[prompt]!))),
  );
  const chosen = scores[0]!.map((row) => selectPair(row, select.threshold));
  golden.output('out.spo_select.indices', [...chosen.map(({ best }) => best), ...chosen.map(({ worst }) => worst)]);
  golden.output(
    'out.spo_select.valid',
    chosen.map(({ differs }) => Number(differs)),
  );
  const history: RewardHistory = new Map();
  const rewards = (await golden.input('in.stats.rewards').array()) as number[][];
  const settings = { size: buffer.buffer_size, minCount: buffer.min_count };
  golden.output(
    'out.ddpo_advantages',
    rewards.flatMap((batch, i) => normaliseRewards(history, buffer.prompts[i]!, batch, settings)),
  );
  const model = golden.input('in.pair.model');
  const halvesOf = async (compute: () => Tensor1D) => {
    const values = tidy(compute);
    const numbers = Array.from(await values.data());
    dispose(values);
    return [numbers.slice(0, numbers.length / 2), numbers.slice(numbers.length / 2)] as const;
  };
  golden.output('out.metrics.implicit_accuracy', [
    implicitAccuracy(...(await halvesOf(() => pairRatio(golden, model, kappaOf(golden))))),
  ]);
  golden.output('out.metrics.ranking_accuracy', [
    rankingAccuracy(...(await halvesOf(() => errorPerImage(twice(golden.input('in.pair.target')), model)))),
  ]);
  const { rate, low, high } = winRate(Array.from(await golden.input('in.metrics.outcomes').data()), metrics.z);
  golden.output('out.metrics.win_rate', [rate, low, high]);
}
