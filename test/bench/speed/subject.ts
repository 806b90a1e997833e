import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { devices } from '../../../electron/devices/devices.ts';
import { openFiles } from '../../../electron/files/files.ts';
import { fileFolders } from '../../../electron/files/folders.ts';
import { anywhere } from '../../../electron/files/paths.ts';
import { type Device, type DevicePreference, openDevice } from '../../../nodes/ml/device.ts';
import { type LoadedClip, loadClip } from '../../../nodes/ml/models/load/loadClip.ts';
import { loadGenerator } from '../../../nodes/ml/models/load/loadGenerator.ts';
import { latentNoise } from '../../../nodes/ml/random.ts';
import { clipReward } from '../../../nodes/ml/rewards/clipReward.ts';
import type { Generator, Reward, SampleRequest } from '../../../nodes/ports.ts';
import { mini, rewardFolder, writeRandomModel } from './randomModel.ts';

/** What the benchmarks of speed are told on the command line. */
export const options = {
  /** A diffusers folder to measure on; `mini` by default. */
  model: { type: 'string' },
  /** A CLIP to judge with; by default the folder `clip` in the model's. */
  reward: { type: 'string' },
  device: { type: 'string', default: 'native' },
  /** How often each thing is measured; the median is told. */
  rounds: { type: 'string', default: '7' },
  /** Another program to measure alternately with, see against.ts. */
  against: { type: 'string' },
  /** Also tells which operations take the time. */
  ops: { type: 'boolean', default: false },
} as const;

export interface Subject {
  readonly device: Device;
  readonly folder: string;
  readonly rewardFolder: string;
  readonly rounds: number;
  readonly against: string | undefined;
  readonly ops: boolean;
  loadGenerator(): Promise<Generator>;
  loadReward(): Promise<{ clip: LoadedClip; reward: Reward }>;
  /** `count` images at the size and the settings that the model recommends. */
  request(generator: Generator, count: number): SampleRequest;
}

/** Opens the device and writes `mini` where no model was named, for as long as `measure` runs. */
export async function withSubject(measure: (subject: Subject) => Promise<void>): Promise<void> {
  const { values } = parseArgs({ options });
  const device = await openDevice(values.device as DevicePreference, devices);
  const files = openFiles(fileFolders(process.cwd(), anywhere));
  const written = values.model ? undefined : await mkdtemp(join(tmpdir(), 'noiseloom-mini-'));
  try {
    if (written) await writeRandomModel(written, mini);
    const folder = written ?? (await files.locate(values.model as string));
    const judge = values.reward ? await files.locate(values.reward) : join(folder, rewardFolder);
    if (!existsSync(judge)) throw new Error(`There is no CLIP in ${judge}: name one by --reward FOLDER.`);
    console.log(`On ${device.name}: ${device.description}; model ${values.model ?? 'mini'}.\n`);
    await measure({
      device,
      folder: resolve(folder),
      rewardFolder: resolve(judge),
      rounds: Number(values.rounds),
      against: values.against,
      ops: values.ops,
      loadGenerator: () => loadGenerator(files, folder),
      async loadReward() {
        const clip = await loadClip(files, judge);
        return { clip, reward: clipReward(clip, { name: 'CLIP score', scale: 'logits', usualRange: [20, 45] }) };
      },
      request,
    });
  } finally {
    if (written) await rm(written, { recursive: true });
  }
}

function request(generator: Generator, count: number): SampleRequest {
  const { width, height, ...settings } = generator.defaults;
  const seeds = Array.from({ length: count }, (_, i) => i);
  return {
    noise: { latents: latentNoise(seeds, generator.latentShape(width, height)), seeds },
    prompts: ['a red circle above a blue square'],
    negativePrompt: '',
    settings,
    conditions: [],
  };
}
