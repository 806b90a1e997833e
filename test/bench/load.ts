import { spawnSync } from 'node:child_process';
import { mkdtemp, open, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openFiles } from '../../electron/files/files.ts';
import { fileFolders } from '../../electron/files/folders.ts';
import { anywhere } from '../../electron/files/paths.ts';
import { dispose } from '../../nodes/ml/tf.ts';
import { loadWeights } from '../../nodes/ml/weights/loadWeights.ts';
import { openCheckpoint } from '../../nodes/ml/weights/openCheckpoint.ts';
import { writeSafetensors } from '../../nodes/ml/weights/writeSafetensors.ts';
import { median, printJson, printTable } from './speed/figures.ts';
import { withSubject } from './speed/subject.ts';

/*
 * How fast weights come from a file onto the device, against how fast the file can be read at all: a file of 512 MiB, in
 * float32 and in float16, first as if it had never been read, then from the cache of the system. And how long a process
 * takes until its models are fingerprinted and loaded, the first time and again. Prints a table and whether the goals are
 * met, then the same as JSON; exits 1 where one is not.
 *
 *   npm run bench -- load [--device NAME] [--rounds N]
 */
const tensors = 64;
const tensorBytes = 8 * 2 ** 20;
const chunk = new Uint8Array(2 ** 24);
const least = 0.6; // of the file's own speed
const most = 0.5; // of the first start, for the second

/** Drops a file from the system's cache, where GNU dd can; false elsewhere. */
function forgetFile(path: string): boolean {
  return (
    spawnSync('dd', [`of=${path}`, 'oflag=nocache', 'conv=notrunc,fdatasync', 'count=0'], { stdio: 'ignore' })
      .status === 0
  );
}

async function readWhole(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    while ((await file.read(chunk, 0, chunk.length)).bytesRead > 0);
  } finally {
    await file.close();
  }
}

async function timed(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

await withSubject(async ({ rounds, loadGenerator, loadReward, folder, rewardFolder }) => {
  const files = openFiles(fileFolders(process.cwd(), anywhere));
  const place = await mkdtemp(join(tmpdir(), 'noiseloom-load-'));
  const load = async (path: string) => {
    const weights = await loadWeights(await openCheckpoint(files, path));
    dispose([...weights.values()]);
  };
  const fingerprints = join(place, 'fingerprints.json');
  /** What a process does with its models before it computes. */
  const startModel = async () => {
    const fresh = openFiles({ ...fileFolders(process.cwd(), anywhere), fingerprints });
    for (const each of [folder, rewardFolder]) await fresh.fingerprint(each);
    const [generator, { reward }] = [await loadGenerator(), await loadReward()];
    generator.dispose();
    reward.dispose();
  };
  try {
    const rows = [];
    for (const dtype of ['F32', 'F16'] as const) {
      const path = join(place, `${dtype}.safetensors`);
      await writeFile(path, fileOf(dtype));
      const times: { cold: number; coldRead: number; warm: number; warmRead: number }[] = [];
      await load(path);
      for (let round = 0; round < rounds; round++) {
        const forgotten = forgetFile(path);
        const coldRead = await timed(() => readWhole(path));
        forgetFile(path);
        const cold = await timed(() => load(path));
        const warmRead = await timed(() => readWhole(path));
        const warm = await timed(() => load(path));
        times.push({ cold: forgotten ? cold : Number.NaN, coldRead, warm, warmRead });
      }
      await rm(path);
      const of = (key: keyof (typeof times)[number]) => median(times.map((each) => each[key]));
      rows.push({
        dtype,
        cold: of('cold'),
        coldRead: of('coldRead'),
        warm: of('warm'),
        warmRead: of('warmRead'),
        ofDisk: median(times.map(({ cold, coldRead }) => coldRead / cold)),
        ofCache: median(times.map(({ warm, warmRead }) => warmRead / warm)),
      });
    }
    console.log(`A file of ${(tensors * tensorBytes) / 2 ** 20} MiB, in seconds:`);
    printTable(
      ['', 'read, uncached', 'load, uncached', 'speed of disk', 'read, cached', 'load, cached', 'speed of cache'],
      rows.map((each) => [each.dtype, each.coldRead, each.cold, each.ofDisk, each.warmRead, each.warm, each.ofCache]),
    );

    const starts: { first: number; second: number }[] = [];
    const weights = [join(folder, 'unet'), join(folder, 'vae'), join(folder, 'text_encoder'), rewardFolder];
    await new Promise((done) => setTimeout(done, 2500)); // fingerprints are not kept of files that may be changing
    for (let round = 0; round < rounds; round++) {
      for (const each of weights)
        for (const name of ['diffusion_pytorch_model.safetensors', 'model.safetensors'])
          if (await stat(join(each, name)).catch(() => undefined)) forgetFile(join(each, name));
      await rm(fingerprints, { force: true });
      starts.push({ first: await timed(startModel), second: await timed(startModel) });
    }
    const [first, second] = [median(starts.map((each) => each.first)), median(starts.map((each) => each.second))];
    const ratio = median(starts.map((each) => each.second / each.first));
    console.log(
      `The whole model: first ${first.toFixed(2)} s, again ${second.toFixed(2)} s, ratio ${ratio.toFixed(2)}.\n`,
    );
    const worst = Math.min(...rows.map(({ ofDisk }) => ofDisk));
    const goals = [
      { name: `at least ${least} of the speed of the disk`, met: worst >= least },
      { name: `a second start in at most ${most} of the first`, met: ratio <= most },
    ];
    for (const { name, met } of goals) console.log(`${met ? 'ok  ' : 'FAIL'}  ${name}`);
    process.exitCode = goals.every(({ met }) => met) ? 0 : 1;
    printJson({ bench: 'load', rows, first, second, ratio });
  } finally {
    await rm(place, { recursive: true });
  }
});

/** A checkpoint of small numbers. */
function fileOf(dtype: 'F32' | 'F16'): Uint8Array {
  const count = tensorBytes / (dtype === 'F32' ? 4 : 2);
  const values = Float32Array.from({ length: count }, (_, i) => ((i % 1000) - 500) / 1024);
  const stored = { dtype, shape: [1024, count / 1024], values };
  return writeSafetensors(new Map(Array.from({ length: tensors }, (_, i) => [`layer.${i}.weight`, stored])));
}
