import { defineNode, type InputValues, type NodeContext, optional, type ParamValues } from '../defineNode.ts';
import { UserError } from '../errors.ts';
import type { Files } from '../files.ts';
import { controlNetConfig, controlNetShapes } from '../ml/models/controlNet.ts';
import { loadParts } from '../ml/models/load/loadParts.ts';
import { findWeights, readConfig } from '../ml/models/load/modelFolder.ts';
import type { Json } from '../ml/models/unetConfig.ts';
import { randomStream } from '../ml/random.ts';
import { type AdamWState, startAdamW } from '../ml/train/adamW.ts';
import { disposeAdamW, fromDevice, toDevice } from '../ml/train/adamWOnDevice.ts';
import { type ConsistencyReward, controlNetRewardTraining } from '../ml/train/controlNetRewardTraining.ts';
import { controlNetJson } from '../ml/train/controlNetTraining.ts';
import { layoutOf, parameterCount } from '../ml/train/flatParameters.ts';
import { type LoadedFrozenGenerator, loadFrozenGenerator } from '../ml/train/frozenGenerator.ts';
import { lossCurve } from '../ml/train/lossCurve.ts';
import { startFrom } from '../ml/train/startFrom.ts';
import { readTrainingState, type TrainingState, writeTrainingState } from '../ml/train/trainingState.ts';
import { type Training, trainStep } from '../ml/train/trainStep.ts';
import { writeModelWeights } from '../ml/train/writeModelWeights.ts';
import { openCheckpoint } from '../ml/weights/openCheckpoint.ts';
import type { ConditionKind } from '../ml/world/conditionImage.ts';
import { integer, model, number, seed, text } from '../params.ts';

const inputs = {
  segmentation: optional('consistency', { help: 'What tells how well classes are kept, see Segmentation.' }),
  edges: optional('consistency', { help: 'What tells how well edges are kept, see Canny edges.' }),
  depth: optional('consistency', { help: 'What tells how well depth is kept, see Depth.' }),
};
const params = {
  model: model({
    takes: 'generator',
    initial: 'builtin:world',
    help: 'The generator that is steered; it stays as it is.',
  }),
  controlnet: text({
    initial: '',
    help: 'A diffusers folder with the ControlNet to begin with. Empty: a fresh one, which should first be trained without rewards.',
  }),
  steps: integer({ initial: 500, min: 1, max: 1_000_000, help: 'Optimiser steps in all.' }),
  batch: integer({ initial: 16, min: 1, max: 256, help: 'Images a step.' }),
  learningRate: number({
    initial: 1e-4,
    min: 0,
    max: 1,
    step: 1e-5,
    help: 'Of AdamW; the source has 0.00001 for 256 images a step.',
  }),
  rewardWeight: number({
    initial: 1,
    min: 0,
    max: 1000,
    step: 0.1,
    help: "Multiplies the source's weights of the consistency losses: 0.5 for segmentation, 1 for edges and depth.",
  }),
  maxTimestep: integer({
    initial: 200,
    min: 0,
    max: 999,
    help: 'Images noisier than this timestep are not rewarded: one step does not show what becomes of them.',
  }),
  seed: seed({ initial: 1, help: 'Of the scenes, the timesteps and the noise.' }),
  checkpointEvery: integer({
    initial: 250,
    min: 1,
    max: 1_000_000,
    unit: 'steps',
    help: 'How often a checkpoint is written.',
  }),
  resume: text({
    initial: '',
    help: 'A checkpoint (training-N.safetensors) of an earlier run with the same settings to go on from, for more steps.',
  }),
};

export const controlNetConsistency = defineNode({
  type: 'train/controlnet-consistency',
  version: 1,
  title: 'Train ControlNet consistency',
  summary:
    'Fine-tunes a ControlNet of the built-in world so that images keep to their condition, by the detectors that are connected (ControlNet++): the loss of diffusion, and the consistency loss of what one step from little noise leads to. Writes a folder that Load ControlNet reads, and checkpoints to go on from, also when interrupted.',
  source: 'arXiv 2404.07987, equations 7 to 9',
  inputs,
  params,
  outputs: {},
  files: ({ model, controlnet, resume }) => [model, controlnet, resume].filter((location) => location !== ''),
  async run(given, settings, context) {
    const rewards = readRewards(given, settings);
    const { files, progress } = context;
    await progress(0, 'loading the generator');
    const loaded = await loadFrozenGenerator(files, settings.model);
    try {
      const { json, start } = await loadStart(files, settings, loaded);
      const training = controlNetRewardTraining(rewards, settings, controlNetConfig(json), loaded.generator);
      const identity = await computeIdentity(rewards, settings, files);
      const state: TrainingState =
        settings.resume === ''
          ? { optimiser: startAdamW(start), losses: [] }
          : await readTrainingState(
              await openCheckpoint(files, await files.locate(settings.resume)),
              identity,
              parameterCount(training.layout),
            );
      const losses = [...state.losses];
      const { average } = await trainOn(training, { optimiser: state.optimiser, losses }, settings, identity, context);
      const weights = writeModelWeights(training.layout, average);
      save(context, 'controlnet/config.json', 'application/json', `${JSON.stringify(json, null, 2)}\n`);
      save(context, 'controlnet/diffusion_pytorch_model.safetensors', 'application/octet-stream', weights);
      save(context, 'loss.svg', 'image/svg+xml', lossCurve(losses));
    } finally {
      loaded.dispose();
    }
  },
});

type Settings = ParamValues<typeof params>;

/** The losses of ControlNet++ and their weights. Source: its released training. */
const lambdas: Readonly<Record<ConditionKind, number>> = { segmentation: 0.5, edges: 1, depth: 1 };

/** Throws UserError `MISSING_INPUT` where nothing is connected, `NOT_DIFFERENTIABLE` where a detector has no gradient. */
function readRewards(given: InputValues<typeof inputs>, { rewardWeight }: Settings): ConsistencyReward[] {
  const rewards = (Object.keys(lambdas) as ConditionKind[]).flatMap((kind): ConsistencyReward[] => {
    const consistency = given[kind];
    return consistency ? [{ kind, consistency, lambda: rewardWeight * lambdas[kind] }] : [];
  });
  if (rewards.length === 0)
    throw new UserError(
      'MISSING_INPUT',
      'Nothing tells how well images keep to their condition: connect "segmentation", "edges" or "depth", or several.',
      { at: { port: 'segmentation' } },
    );
  const broken = rewards.find(({ consistency }) => !consistency.differentiable);
  if (!broken) return rewards;
  const message = `"${broken.consistency.name}" gives no gradient, and a ControlNet is trained by gradients; connect another.`;
  throw new UserError('NOT_DIFFERENTIABLE', message, { at: { port: broken.kind } });
}

/** config.json of the ControlNet, and its initial parameters. */
async function loadStart(
  files: Files,
  { controlnet, seed }: Settings,
  { unetJson, unetWeights }: LoadedFrozenGenerator,
): Promise<{ json: Json; start: Float32Array<ArrayBuffer> }> {
  const layoutFor = (json: Json) => controlNetShapes(controlNetConfig(json));
  const random = randomStream(seed);
  if (controlnet === '') {
    const json = controlNetJson(unetJson);
    return { json, start: await startFrom(layoutOf(layoutFor(json)), unetWeights, random) };
  }
  const folder = await files.locate(controlnet);
  const json = await readConfig(files, folder);
  const shapes = layoutFor(json);
  const checkpoint = await openCheckpoint(files, await findWeights(files, folder));
  const { weights, dispose } = await loadParts(
    controlnet,
    { controlnet: { title: 'ControlNet', checkpoint, shapes } },
    {},
  );
  try {
    return { json, start: await startFrom(layoutOf(shapes), weights.controlnet, random) };
  } finally {
    dispose();
  }
}

/** What must be equal for a training to resume from a checkpoint. */
async function computeIdentity(
  rewards: readonly ConsistencyReward[],
  settings: Settings,
  files: Files,
): Promise<string> {
  const { model, controlnet, batch, learningRate, rewardWeight, maxTimestep, seed } = settings;
  const readFingerprint = async (location: string) =>
    location && (await files.fingerprint(await files.locate(location)));
  const detectors = rewards.map(({ kind, consistency }) => `${kind}: ${consistency.name}`);
  const models = { model: await readFingerprint(model), controlnet: await readFingerprint(controlnet) };
  return JSON.stringify({ ...models, detectors, batch, learningRate, rewardWeight, maxTimestep, seed });
}

/** Warm-up steps of AdamW's learning rate, which then stays constant, so that a training can be extended. */
const WARM_UP = 20;

/** Trains to the end; writes a checkpoint at intervals, at the end, and on cancellation. Returns the optimiser's last state. */
async function trainOn(
  training: Training,
  { optimiser: start, losses }: { readonly optimiser: AdamWState; readonly losses: number[] },
  { steps, learningRate, checkpointEvery }: Settings,
  identity: string,
  context: NodeContext,
): Promise<AdamWState> {
  const optimiser = toDevice(start, training.layout);
  const checkpoint = async () => {
    const bytes = writeTrainingState({ optimiser: await fromDevice(optimiser), losses }, identity);
    save(context, `training-${optimiser.step}.safetensors`, 'application/octet-stream', bytes);
  };
  let saved = optimiser.step;
  try {
    while (optimiser.step < steps) {
      const text = `step ${optimiser.step + 1} of ${steps}`;
      await context.progress(
        optimiser.step / steps,
        text,
        undefined,
        losses.length > 0 ? { loss: losses.at(-1)! } : {},
      );
      const rate = learningRate * Math.min(1, (optimiser.step + 1) / WARM_UP);
      losses.push(await trainStep(training, optimiser, { ...adamW, learningRate: rate }));
      if (optimiser.step % checkpointEvery !== 0) continue;
      await checkpoint();
      saved = optimiser.step;
    }
    if (optimiser.step > saved) await checkpoint();
    return await fromDevice(optimiser);
  } catch (error) {
    if (context.signal.aborted && optimiser.step > saved) await checkpoint();
    throw error;
  } finally {
    disposeAdamW(optimiser);
  }
}

const adamW = { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.01, clipNorm: 1, averageDecay: 0.99 };

function save({ save }: NodeContext, name: string, mime: string, content: string | Uint8Array): void {
  save({ name, mime, bytes: typeof content === 'string' ? new TextEncoder().encode(content) : content });
}
