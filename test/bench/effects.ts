import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { parseDevice } from '../../electron/cli/parseDevice.ts';
import { timeInWords } from '../../electron/cli/terminal.ts';
import { startDevice } from '../../electron/engine/startEngine.ts';
import { writeAtomic } from '../../electron/files/disk.ts';
import { openFiles } from '../../electron/files/files.ts';
import { fileFolders, packageFolder } from '../../electron/files/folders.ts';
import { anywhere } from '../../electron/files/paths.ts';
import { canny } from '../../nodes/consistency/canny.ts';
import { depth } from '../../nodes/consistency/depth.ts';
import { segmentation } from '../../nodes/consistency/segmentation.ts';
import type { NodeContext } from '../../nodes/defineNode.ts';
import { encodePng, toBytes } from '../../nodes/ml/image/encodePng.ts';
import { scoreImages } from '../../nodes/ml/image/scoreImages.ts';
import { dispose, norm } from '../../nodes/ml/tf.ts';
import { judgeImage } from '../../nodes/ml/world/judgeImage.ts';
import { loadControlNet } from '../../nodes/model/loadControlNet.ts';
import { loadGenerator } from '../../nodes/model/loadGenerator.ts';
import { reno } from '../../nodes/optimise/reno.ts';
import type { Reward } from '../../nodes/ports.ts';
import { augment } from '../../nodes/reward/augment.ts';
import { methodsOf } from './effects/allMethods.ts';
import { type Calibrations, calibrate, volumeOf, withUsualRange } from './effects/calibrate.ts';
import { cellOf, findOnce, linesOf } from './effects/cells.ts';
import { checkoutInWords } from './effects/checkout.ts';
import {
  type ConditionResult,
  type ConditionTrial,
  conditionMethodsOf,
  conditionTrialsOf,
  keeps,
} from './effects/consistency.ts';
import { countCalls } from './effects/countCalls.ts';
import type { Made, Tools } from './effects/methods.ts';
import { openLines } from './effects/openLines.ts';
import { changedParams, paramsOf } from './effects/paramsOf.ts';
import { rewardFrom } from './effects/rewardFrom.ts';
import { keyOf, runTrials } from './effects/runTrials.ts';
import { type Made as MadeImage, type Outcome, type Result, type Trial, trialsOf } from './effects/trial.ts';
import { imageName, writeReport } from './effects/writeReport.ts';

/*
 * What the methods do for images of the built-in world, judged exactly. Writes a line an image as it goes, by the key of all
 * that decides it, so that the same command goes on where it was stopped, in another checkout too (copy the folder), then Markdown and CSV tables, SVG charts and grids of images, into one folder.
 *
 *   noiseloom bench effects [--quick] [--out FOLDER] [--model MODEL] [--steps N] [--more-steps N] [--budget N] [--batch N]
 *     [--prompts N] [--seeds N] [--scenes N]     prompts and scenes of each of the six tasks, seeds of each prompt
 *     [--reward REWARD ...]        the first is optimised alone, all of them together: TYPE or TYPE:param=value,...
 *     [--augment PARAM=VALUE,...]  optimises the mean of each reward over views, see the node reward/augment
 *     [--held-out REWARD ...]      which only judge
 *     [--controlnet MODEL ...]     each takes all three kinds of condition image
 *     [--reno PARAM=VALUE,...]     params of ReNO that differ from the node's own, for every row that optimises like it
 *     [--method NAME ...]          only these for now; [--minutes N]: stop after that; [--device NAME]
 */
const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    out: { type: 'string' },
    model: { type: 'string', default: 'builtin:world' },
    steps: { type: 'string' },
    'more-steps': { type: 'string' },
    budget: { type: 'string' },
    batch: { type: 'string', default: '8' },
    prompts: { type: 'string' },
    seeds: { type: 'string' },
    scenes: { type: 'string' },
    device: { type: 'string', default: 'auto' },
    reward: {
      type: 'string',
      multiple: true,
      default: [
        'reward/clip-score:model=builtin:world-clip,weight=1',
        'reward/pick-score:model=builtin:world-preference,weight=1',
      ],
    },
    augment: { type: 'string' },
    'held-out': { type: 'string', multiple: true, default: ['reward/world-truth'] },
    controlnet: { type: 'string', multiple: true, default: [] },
    reno: { type: 'string', default: '' },
    method: { type: 'string', multiple: true },
    minutes: { type: 'string', default: 'Infinity' },
  },
});
/** To be raised with every change of what a method does or how it is judged: lines of before are then measured anew. */
const measure = 2;
const sizes = options.quick
  ? { prompts: 1, seeds: 1, scenes: 1, budget: 4, steps: 2 }
  : { prompts: 12, seeds: 4, scenes: 4, budget: 50, steps: 0 };
const size = (name: keyof typeof sizes) => Number(options[name] ?? sizes[name]);
const folder = resolve(options.out ?? join('out', 'effects', options.quick ? 'quick' : 'full'));
const imagesFolder = join(folder, 'images');
await mkdir(imagesFolder, { recursive: true });

const device = await startDevice(parseDevice(options.device));
const files = openFiles(fileFolders(packageFolder, anywhere));
const context: NodeContext = {
  signal: new AbortController().signal,
  device,
  files,
  progress: async () => {},
  remark: () => {},
  save: () => {},
};
const { generator: loaded } = await loadGenerator.run({}, paramsOf(loadGenerator, { model: options.model }), context);
const { generator, calls } = countCalls(loaded);
const steps = size('steps') || generator.defaults.steps;
const moreSteps = Number(options['more-steps'] ?? 4 * steps);
const [budget, batch] = [size('budget'), Number(options.batch)];
const load = (texts: readonly string[]) => Promise.all(texts.map((text) => rewardFrom(text, context)));
const viewed = async (reward: Reward) =>
  options.augment === undefined
    ? reward
    : (await augment.run({ reward }, paramsOf(augment, changedParams(augment, options.augment)), context)).reward;
const [rewards, heldOut] = [
  await Promise.all((await load(options.reward)).map(viewed)),
  await load(options['held-out']),
];

const renoParams = changedParams(reno, options.reno);
const { reward, augment: views, 'held-out': held, model, controlnet } = options;
const settings = { model, reno: renoParams, reward, views, 'held-out': held, steps, moreSteps, budget, controlnet };
const identity = { measure, ...settings, models: await fingerprintsOf([model, ...controlnet, ...modelsIn(reward)]) };
const perTask = options.quick ? 1 : 8;
const calibrations = await findOnce(
  await openLines<{ cell: string; found: Calibrations }>(join(folder, 'calibrations.jsonl')),
  cellOf(identity, perTask),
  () => calibrate([...rewards, ...heldOut], perTask, { generator, steps, batch }),
);
const ensemble = rewards.map((each) => withUsualRange(each, calibrations));
const tools: Tools = {
  generator,
  ensemble,
  calibrations,
  steps,
  renoParams,
  moreSteps,
  budget,
  batch,
  context,
  secondsOf,
};
const methods = methodsOf(tools);
const trials = trialsOf(size('prompts'), size('seeds'));
const results = await resultsOf<Result>('results.jsonl', trials, methods);

const nets = await Promise.all(
  controlnet.map((model) => loadControlNet.run({}, paramsOf(loadControlNet, { model }), context)),
);
const netName = (name: string, i: number) => (i === 0 ? 'ControlNet' : `ControlNet ${name}`);
const conditionMethods = conditionMethodsOf({
  ...{ generator, steps, renoParams, budget, batch, context },
  consistencies: {
    segmentation: (await segmentation.run({}, paramsOf(segmentation, {}), context)).consistency,
    edges: (await canny.run({}, paramsOf(canny, {}), context)).consistency,
    depth: (await depth.run({}, paramsOf(depth, {}), context)).consistency,
  },
  controlnets: Object.fromEntries(nets.map(({ controlnet }, i) => [netName(controlnet.name, i), controlnet])),
});
const conditionTrials = conditionTrialsOf(size('scenes'));
const conditionResults = await resultsOf<ConditionResult>('consistency.jsonl', conditionTrials, conditionMethods);
const plain = nets.length > 0 ? 'ControlNet' : 'no ControlNet';

console.log(
  `${trials.length} trials of ${Object.keys(methods).length} methods and ${conditionTrials.length} of ${Object.keys(conditionMethods).length} that keep to a condition, on ${device.name}: ${device.description}`,
);
if (nets.length === 0) console.log('Rows with a ControlNet are left out: there is none; give one by --controlnet.');
const warm = await methods['one sample']!.make(trials.slice(0, 1)); // compiles and loads what the first one would pay for
warm.forEach(free);
const end = performance.now() + 60_000 * Number(options.minutes);
const isThrough =
  (await runTrials({ ...contestOf(trials, methods), lines: results, judge })) &&
  (await runTrials({
    ...contestOf(conditionTrials, conditionMethods),
    lines: conditionResults,
    judge: judgeCondition,
  }));
const { text, goals } = await writeReport(
  {
    folder,
    title: `Effects on ${generator.name}`,
    about: aboutSettings(),
    command: ['noiseloom bench effects', ...process.argv.slice(2)].join(' '),
    checkout: checkoutInWords(),
    judging: { methods, heldOut: heldOut.map(({ name }) => name), calibrations },
    ...{ trials, conditionTrials, conditionMethods: Object.keys(conditionMethods), plain },
    ...{ results: results.all, conditionResults: conditionResults.all },
  },
  files,
);
console.log(`\n${text}\n${folder}`);
if (!isThrough) console.log('Stopped before the end: the same command goes on.');
if (isThrough && !options.quick && goals.some(({ met }) => !met)) process.exitCode = 1;

function contestOf<OneTrial, OneMethod>(trials: readonly OneTrial[], methods: Readonly<Record<string, OneMethod>>) {
  const wanted = Object.entries(methods).filter(([name]) => options.method?.includes(name) ?? true);
  const tell = (line: Outcome, left: { readonly trials: number; readonly seconds: number }) => {
    const about = `${line.method}: ${line.correct ? 'right' : 'wrong'}, ${line.seconds.toFixed(1)} s, ${line.prompt}`;
    console.log(`${about} (${left.trials} left, about ${timeInWords(1000 * left.seconds)})`);
    return performance.now() < end;
  };
  return { trials, methods: Object.fromEntries(wanted), batch, calls, tell };
}

/** The lines of a file that are of these trials and methods under these very settings. */
async function resultsOf<Line extends Outcome>(
  file: string,
  of: readonly (Trial & { readonly kind?: string })[],
  by: Readonly<Record<string, unknown>>,
) {
  const cells = Object.keys(by).flatMap((method) => of.map((trial) => cellOf(identity, method, keyOf(trial))));
  return linesOf(await openLines<Line>(join(folder, file)), new Set(cells));
}

/** The models that rewards name, as `reward/clip-score:model=builtin:world-clip,weight=1`. */
function modelsIn(texts: readonly string[]): string[] {
  return texts.flatMap((text) => /\bmodel=([^,]+)/.exec(text)?.[1] ?? []);
}

async function fingerprintsOf(models: readonly string[]): Promise<string[]> {
  return Promise.all(models.map(async (each) => files.fingerprint(await files.locate(each))));
}

function secondsOf(method: string, trial: Trial): number {
  const line = results.all.find((each) => each.method === method && keyOf(each) === keyOf(trial));
  if (!line) throw new Error(`"${method}" has to be given "${trial.prompt}" before: add --method "${method}".`);
  return line.seconds;
}

async function judge(
  made: Made,
  trial: Trial,
  method: string,
  cost: Pick<Outcome, 'seconds' | 'calls'>,
): Promise<Result> {
  try {
    const { pixels } = made.images;
    const judges = [...rewards, ...heldOut];
    const [scores] = await scoreImages(judges, pixels, [trial.prompt]);
    const length = norm(made.noise.latents);
    const [reached] = await length.data();
    length.dispose();
    const outcome = await judgeExactly(made, trial, method, imageName(method, trial));
    const cell = cellOf(identity, method, keyOf(trial));
    return {
      ...outcome,
      cell,
      scores: Object.fromEntries(judges.map(({ name }, i) => [name, scores![i]!])),
      ...cost,
      length: reached! / Math.sqrt(made.noise.latents.size),
      ...(made.seen && { volume: volumeOf(made.seen, ensemble) }),
    };
  } finally {
    free(made);
  }
}

async function judgeCondition(
  made: MadeImage,
  { scene, ...trial }: ConditionTrial,
  method: string,
  cost: Pick<Outcome, 'seconds' | 'calls'>,
): Promise<ConditionResult> {
  try {
    const outcome = await judgeExactly(made, trial, method, imageName(method, trial));
    const pixels = (await made.images.pixels.data()) as Float32Array;
    const cell = cellOf(identity, method, keyOf(trial));
    return { ...outcome, cell, kind: trial.kind, value: await keeps(trial.kind, pixels, scene), ...cost };
  } finally {
    free(made);
  }
}

/** Judges an image by the prompt and writes it. */
async function judgeExactly({ images }: MadeImage, { task, prompt, seed }: Trial, method: string, name: string) {
  const pixels = (await images.pixels.data()) as Float32Array;
  const { correct, satisfied } = judgeImage(pixels, prompt);
  const [, height, width] = images.pixels.shape;
  await writeAtomic(join(imagesFolder, name), encodePng({ width, height, rgb: toBytes(pixels) }));
  return { method, task, prompt, seed, correct, satisfied };
}

function free({ images, noise }: MadeImage): void {
  dispose([images.pixels, noise.latents]);
}

function aboutSettings(): string {
  const namesOf = (judges: readonly Reward[]) => judges.map(({ name }) => name).join(', ');
  const scales = Object.entries(calibrations).map(
    ([name, { mean, deviation }]) => `${name} ${mean.toPrecision(4)} and ${deviation.toPrecision(3)}`,
  );
  return [
    `${device.description}; ${steps} steps, more steps: ${moreSteps}; budget ${budget} evaluations, ${batch} images at once.`,
    `Optimised: ${namesOf(rewards)}. Unseen by every method: ${namesOf(heldOut)}, and the exact judge that says which images are correct.`,
    `Mean and deviation of plain images: ${scales.join('; ')}.`,
    'Optimised gain, held-out gain and gap are in these deviations, by which the members of WCO, the least of them, and of UWO, their mean less 0.1 of the variance, are standardised, too. The weighted sum takes scores as they are, times their weights.',
    'Volume is that above two deviations below the means, in units of four deviations.',
    options.reno ? `ReNO with ${options.reno}.` : '',
    nets.length === 0 ? 'Rows with a ControlNet are left out: there was none (--controlnet).' : '',
  ]
    .join(' ')
    .trim();
}
