import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openFiles } from '../../../electron/files/files.ts';
import { fileFolders, packageFolder } from '../../../electron/files/folders.ts';
import { anywhere } from '../../../electron/files/paths.ts';
import { canny } from '../../../nodes/consistency/canny.ts';
import type { Artifact, NodeContext } from '../../../nodes/defineNode.ts';
import { loadControlNet } from '../../../nodes/ml/models/load/loadControlNet.ts';
import { dispose, fill, ones } from '../../../nodes/ml/tf.ts';
import { controlNetConsistency } from '../../../nodes/train/controlNetConsistency.ts';
import { paramsOf } from '../../bench/effects/paramsOf.ts';
import { guardLeaks, openTestDevice } from '../../support/devices.ts';
import { nodeContext } from '../../support/nodeContext.ts';

const folder = mkdtempSync(join(tmpdir(), 'noiseloom-consistency-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const files = openFiles(fileFolders(packageFolder, anywhere));

/** Runs the node on edges; its files are written into the folder and given by name. */
async function train(changed: Parameters<typeof paramsOf<typeof controlNetConsistency.params>>[1], stopAt?: number) {
  const saved = new Map<string, Uint8Array>();
  const controller = new AbortController();
  let asked = 0;
  const context: NodeContext = {
    ...nodeContext().context,
    files,
    signal: controller.signal,
    async progress(_fraction, text) {
      if (text?.startsWith('step') && asked++ === stopAt) controller.abort();
      controller.signal.throwIfAborted();
    },
    save({ name, bytes }: Artifact) {
      saved.set(name, bytes);
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), bytes);
    },
  };
  const consistency = (await canny.run({}, paramsOf(canny, {}), context)).consistency;
  const given = { segmentation: undefined, edges: consistency, depth: undefined };
  const params = paramsOf(controlNetConsistency, { batch: 2, maxTimestep: 999, ...changed });
  const run = controlNetConsistency.run(given, params, context);
  return { run, saved };
}

type Trained = Awaited<ReturnType<typeof train>>;
/** Byte by byte; Vitest's own comparison of 50 MB takes minutes. */
const sameFile = (name: string, a: Trained, b: Trained) => Buffer.compare(a.saved.get(name)!, b.saved.get(name)!) === 0;

describe('train/controlnet-consistency', () => {
  beforeAll(openTestDevice, 60_000);
  guardLeaks();

  it('writes a ControlNet that loads, goes on from a checkpoint as if never stopped, and keeps one where it is cancelled', async () => {
    const whole = await train({ steps: 2, checkpointEvery: 1 });
    await whole.run;
    expect([...whole.saved.keys()]).toEqual([
      'training-1.safetensors',
      'training-2.safetensors',
      'controlnet/config.json',
      'controlnet/diffusion_pytorch_model.safetensors',
      'loss.svg',
    ]);

    const controlnet = await loadControlNet(files, join(folder, 'controlnet'));
    const input = {
      sample: ones([1, 16, 16, 12]),
      timesteps: fill([1], 100),
      context: ones([1, 16, 128]),
      image: ones([1, 64, 64, 3]),
    } as const;
    const { down, mid } = controlnet.residuals(input as never);
    const values = await mid.data();
    expect(values.every(Number.isFinite)).toBe(true);
    expect(values.some((value) => value !== 0)).toBe(true); // a fresh one would add nothing
    dispose([...Object.values(input), ...down, mid]);
    controlnet.dispose();

    const resumed = await train({ steps: 2, resume: join(folder, 'training-1.safetensors') });
    await resumed.run;
    expect(sameFile('training-2.safetensors', resumed, whole)).toBe(true);

    const foreign = await train({ steps: 2, batch: 3, resume: join(folder, 'training-1.safetensors') });
    await expect(foreign.run).rejects.toMatchObject({ code: 'FOREIGN_CHECKPOINT' });

    const stopped = await train({ steps: 2 }, 1);
    await expect(stopped.run).rejects.toThrow();
    expect([...stopped.saved.keys()]).toEqual(['training-1.safetensors']);
    expect(sameFile('training-1.safetensors', stopped, whole)).toBe(true);
  }, 600_000);

  it('asks for something that tells how well a condition is kept', async () => {
    const given = { segmentation: undefined, edges: undefined, depth: undefined };
    const run = async () =>
      controlNetConsistency.run(given, paramsOf(controlNetConsistency, {}), nodeContext().context);
    await expect(run()).rejects.toMatchObject({ code: 'MISSING_INPUT' });
  });
});
