import { devices } from '../../electron/devices/devices.ts';
import { openFiles } from '../../electron/files/files.ts';
import { fileFolders } from '../../electron/files/folders.ts';
import { anywhere } from '../../electron/files/paths.ts';
import { openDevice } from '../../nodes/ml/device.ts';
import { imageUNet, imageUNetConfig } from '../../nodes/ml/models/imageUNet.ts';
import { loadClip, loadClipVision } from '../../nodes/ml/models/load/loadClip.ts';
import { loadGenerator } from '../../nodes/ml/models/load/loadGenerator.ts';
import { readConfig } from '../../nodes/ml/models/load/modelFolder.ts';
import { dispose } from '../../nodes/ml/tf.ts';
import { loadWeights } from '../../nodes/ml/weights/loadWeights.ts';
import { openCheckpoint } from '../../nodes/ml/weights/openCheckpoint.ts';
import { weightsOf } from '../../nodes/ml/weights/weights.ts';
import {
  appealCorrelation,
  depthRmse,
  discernment,
  genevalMean,
  type JudgedImage,
  judgedImages,
  pairAccuracy,
  poolIoU,
  rankedLikeJudge,
  retrieval,
} from '../support/modelFigures.ts';

/** The figures of the cards of the built-in models, from the weights that are shipped. Exits 1 where a goal is missed. */
const files = openFiles(fileFolders(process.cwd(), anywhere));
const device = await openDevice('auto', devices);
console.log(`On ${device.name}: ${device.description}`);
let met = true;

function show(model: string, figure: string, value: number, goal?: (value: number) => boolean): void {
  const ok = goal?.(value) ?? true;
  met &&= ok;
  console.log(
    `${goal ? (ok ? 'ok  ' : 'FAIL') : '    '} ${model.padEnd(20)} ${value.toFixed(4).padStart(8)}  ${figure}`,
  );
}

async function weightsIn(location: string) {
  const folder = await files.locate(location);
  const tensors = await loadWeights(await openCheckpoint(files, `${folder}/model.safetensors`));
  return { folder, weights: weightsOf(tensors), free: () => dispose([...tensors.values()]) };
}

const atLeast = (goal: number) => (value: number) => value >= goal;

async function generator(name: string): Promise<void> {
  const model = await loadGenerator(files, `builtin:${name}`);
  const { steps, guidanceScale } = model.defaults;
  const mean = await genevalMean(model, 32);
  show(
    model.name,
    `GenEval's mean, steps ${steps}, guidance scale ${guidanceScale}`,
    mean,
    (value) => value >= 0.35 && value <= 0.75,
  );
  model.dispose();
}

const rankingFigure = 'pairs of images by world-one-step ranked like the exact judge';
let generated: readonly JudgedImage[] | undefined;

async function generatedImages(): Promise<readonly JudgedImage[]> {
  if (generated) return generated;
  const model = await loadGenerator(files, 'builtin:world-one-step');
  generated = await judgedImages(model, 16, 10);
  model.dispose();
  return generated;
}

async function clip(): Promise<void> {
  const model = await loadClip(files, 'builtin:world-clip');
  const found = retrieval(model, 64, 8);
  show(model.name, 'images that find their caption among 64', found.captions, atLeast(0.9));
  show(model.name, 'captions that find their image among 64', found.images);
  const { caption, whole } = discernment(model, 512);
  show(model.name, 'images that match their caption better than a false one', caption);
  show(model.name, 'captions that match their image better than it broken', whole);
  show(model.name, rankingFigure, rankedLikeJudge(model, await generatedImages()));
  model.dispose();
}

async function preference(): Promise<void> {
  const model = await loadClip(files, 'builtin:world-preference');
  const { all, ...kinds } = pairAccuracy(model, 1000);
  show(model.name, 'held-out pairs ranked by merit', all, atLeast(0.9));
  for (const [kind, share] of Object.entries(kinds)) show(model.name, `of those that differ in ${kind}`, share);
  show(model.name, rankingFigure, rankedLikeJudge(model, await generatedImages()));
  model.dispose();
}

async function aesthetic(): Promise<void> {
  const model = await loadClipVision(files, 'builtin:world-clip');
  const head = await weightsIn('builtin:world-aesthetic');
  show('world-aesthetic', 'correlation with the rule', appealCorrelation(model, head.weights, 1000));
  head.free();
  model.dispose();
}

async function image(task: 'segmentation' | 'depth'): Promise<void> {
  const name = `world-${task}`;
  const { folder, weights, free } = await weightsIn(`builtin:${name}`);
  const network = imageUNet(weights, imageUNetConfig(await readConfig(files, folder)));
  for (const spoil of [false, true]) {
    const on = spoil ? 'spoiled images' : 'clean images';
    if (task === 'depth') show(name, `RMSE of inverse depth, ${on}`, depthRmse(network, 256, spoil));
    else show(name, `mean IoU, ${on}`, poolIoU(network, 256, spoil), spoil ? undefined : atLeast(0.9));
  }
  free();
}

const measures: Readonly<Record<string, () => Promise<void>>> = {
  world: () => generator('world'),
  'world-one-step': () => generator('world-one-step'),
  'world-clip': clip,
  'world-preference': preference,
  'world-aesthetic': aesthetic,
  'world-segmentation': () => image('segmentation'),
  'world-depth': () => image('depth'),
};
for (const [name, measure] of Object.entries(measures)) {
  if (await files.locate(`builtin:${name}`).catch(() => undefined)) await measure();
  else console.log(`---- ${name} is not shipped`);
}
process.exitCode = met ? 0 : 1;
