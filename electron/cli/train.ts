import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { didYouMean } from '../../graphs/document/suggest.ts';
import { describeSteps } from '../training/describeSteps.ts';
import { recipes } from '../training/recipes.ts';
import { exitCodes } from './exitCodes.ts';
import { parseDevice } from './parseDevice.ts';
import { showProgress } from './progress.ts';
import { print, remark } from './terminal.ts';
import { UsageError } from './usageError.ts';

interface TrainFlags {
  readonly out: string;
  readonly steps?: number;
  readonly batch?: number;
  readonly learningRate?: number;
  readonly seed?: number;
  readonly from?: string;
  readonly resume?: boolean;
  readonly device: string;
}

export function addTrainCommand(program: Command): void {
  program
    .command('train')
    .summary('train a built-in model')
    .description(
      'Trains a built-in model on the built-in world. The folder gets a checkpoint now and then and when interrupted, the curve of the losses (loss.svg), and at the end the model, in the files of diffusers or transformers. The same seed gives the same losses, interrupted or not. What is not stated is as the model needs it.',
    )
    .argument('<name>', Object.keys(recipes).join(', '))
    .option('-o, --out <folder>', 'where the checkpoint and the model are written', 'noiseloom-training')
    .option('--steps <count>', 'optimiser steps in all', positiveInteger)
    .option('--batch <count>', 'images a step', positiveInteger)
    .option('--learning-rate <rate>', 'of AdamW after warm-up', positiveNumber)
    .option('--seed <number>', 'of the weights, the images and the noise', positiveInteger)
    .option(
      '--from <model>',
      'the model to start from, where the training starts from one: few-step, one-step, preference',
    )
    .option('--resume', 'go on from the checkpoint in the folder')
    .option('-d, --device <name>', 'auto, cuda, native, webgpu, wasm or cpu', 'auto')
    .action(async (name: string, flags: TrainFlags) => {
      process.exitCode = await train(name, flags);
    });
}

async function train(name: string, flags: TrainFlags): Promise<number> {
  const names = Object.keys(recipes);
  const recipe = Object.hasOwn(recipes, name) ? recipes[name] : undefined;
  if (!recipe)
    throw new UsageError(
      `There is no model "${name}" to train.${didYouMean(name, names)} The models are ${names.join(', ')}.`,
    );
  const { steps = recipe.steps, batch = recipe.batch, learningRate = recipe.learningRate, seed = recipe.seed } = flags;
  const { from = recipe.from } = flags;
  if (flags.from !== undefined && recipe.from === undefined)
    throw new UsageError(`The training "${name}" does not start from a model of your choice; leave --from out.`);
  const folder = resolve(flags.out);
  const checkpoint = existsSync(join(folder, 'training.safetensors'));
  if (checkpoint && !flags.resume)
    throw new UsageError(
      `${folder} holds a checkpoint. Go on from it with --resume, or choose another folder by --out.`,
    );
  if (!checkpoint && flags.resume) throw new UsageError(`${folder} holds no checkpoint to go on from.`);

  const [{ openFiles }, { fileFolders }, { anywhere }, { startDevice }, { abortOnInterrupt }, train] =
    await Promise.all([
      import('../files/files.ts'),
      import('../files/folders.ts'),
      import('../files/paths.ts'),
      import('../engine/startEngine.ts'),
      import('./interrupt.ts'),
      recipe.load(),
    ]);
  const device = await startDevice(parseDevice(flags.device));
  remark(`Training on ${device.name}: ${device.description}`);
  const controller = await abortOnInterrupt();
  const progress = showProgress(process.stderr);
  const describe = describeSteps({ steps, batch });
  progress.start('Training');
  await train(
    {
      steps,
      batch,
      learningRate,
      seed,
      ...(from !== undefined && { from }),
      folder,
      signal: controller.signal,
      onStep(step, loss) {
        const { fraction, text } = describe(step, loss);
        progress.update(fraction, text);
      },
    },
    openFiles(fileFolders(process.cwd(), anywhere)),
  );
  progress.end(controller.signal.aborted ? 'Stopped; go on with --resume.' : 'Done.');
  print(folder);
  return controller.signal.aborted ? exitCodes.interrupted : exitCodes.done;
}

function positiveNumber(text: string): number {
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value))) throw new InvalidArgumentError('A number above 0 is needed.');
  return value;
}

function positiveInteger(text: string): number {
  const value = positiveNumber(text);
  if (!Number.isSafeInteger(value)) throw new InvalidArgumentError('A whole number above 0 is needed.');
  return value;
}
