import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { type Task, tasks } from '../../nodes/ml/world/words.ts';
import { exitCodes } from './exitCodes.ts';
import { showProgress } from './progress.ts';
import { print, printJson } from './terminal.ts';
import { UsageError } from './usageError.ts';

interface SampleFlags {
  readonly count: number;
  readonly seed: number;
  readonly task?: Task;
  readonly out: string;
  readonly json?: boolean;
}

export function addWorldCommand(program: Command): void {
  const world = program
    .command('world')
    .summary('images of the built-in world')
    .description('The built-in world of coloured shapes, in which truth is known exactly.');
  world
    .command('sample')
    .summary('write images with their labels')
    .description(
      'Draws images of 64x64 pixels and writes them with their exact labels: NUMBER.png, NUMBER-masks.png (0 background, k for object k), NUMBER-edges.png, NUMBER-depth.png (white is near), and labels.jsonl with a line an image. Image i comes from seed + i alone.',
    )
    .option('-n, --count <count>', 'how many images', wholeNumber(1, 100_000), 12)
    .option('--seed <number>', 'of the first image', wholeNumber(0, 2 ** 52), 0)
    .addOption(new Option('--task <task>', 'only images of this task; by default all six in turn').choices(tasks))
    .option('-o, --out <folder>', 'where they are written', 'world-images')
    .option('--json', 'print the result as JSON')
    .action(async (flags: SampleFlags) => {
      process.exitCode = await sample(flags);
    });
}

async function sample({ count, seed, task, out, json }: SampleFlags): Promise<number> {
  const [{ worldImage }, { makeFolder, writeAtomic }, { abortOnInterrupt }] = await Promise.all([
    import('../training/worldImage.ts'),
    import('../files/disk.ts'),
    import('./interrupt.ts'),
  ]);
  const folder = resolve(out);
  const list = join(folder, 'labels.jsonl');
  if (await stat(list).catch(() => undefined))
    throw new UsageError(`"${folder}" holds images of the world already; choose another folder with --out.`);
  const { signal } = await abortOnInterrupt();
  const progress = showProgress(process.stderr);
  const lines: string[] = [];
  progress.start('Drawing');
  try {
    await makeFolder(folder);
    for (let i = 0; i < count; i++) {
      signal.throwIfAborted();
      const name = String(i).padStart(String(count - 1).length, '0');
      const { files, labels } = worldImage(seed + i, task ?? tasks[i % tasks.length]!, name);
      for (const [file, bytes] of Object.entries(files)) await writeAtomic(join(folder, file), bytes);
      lines.push(`${JSON.stringify(labels)}\n`);
      progress.update((i + 1) / count);
    }
    await writeAtomic(list, lines.join(''));
  } finally {
    progress.stop();
  }
  if (json) printJson({ type: 'result', ok: true, status: 'done', path: folder, count });
  else print(folder);
  return exitCodes.done;
}

function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !Number.isSafeInteger(value) || value < min || value > max)
      throw new InvalidArgumentError(`A whole number from ${min} to ${max} is needed.`);
    return value;
  };
}
