import { beforeAll, describe, expect, it } from 'vitest';
import type { NodeContext } from '../../../nodes/defineNode.ts';
import type { Device } from '../../../nodes/ml/device.ts';
import { loadControlNet } from '../../../nodes/model/loadControlNet.ts';
import { loadGenerator } from '../../../nodes/model/loadGenerator.ts';
import { allows } from '../../../nodes/params.ts';
import { guardLeaks, openTestDevice } from '../../support/devices.ts';
import { diskFiles, goldenFolder, repository } from '../../support/golden.ts';

let device: Device;
beforeAll(async () => {
  device = await openTestDevice();
});
guardLeaks();

function contextOf(changes: Partial<NodeContext> = {}): NodeContext {
  return {
    signal: new AbortController().signal,
    device,
    files: diskFiles,
    progress: async () => {},
    save: () => expect.fail('Loading saves nothing.'),
    remark: () => expect.fail('There is nothing to remark.'),
    ...changes,
  };
}

describe('Load generator', () => {
  const initial = { base: '', prediction: 'auto', noiseSchedule: 'auto', clipSkip: 0, promptStyle: 'comfy' } as const;

  it('gives a generator and tells its progress', async () => {
    const fractions: number[] = [];
    const progress = async (fraction: number) => {
      fractions.push(fraction);
    };
    const model = goldenFolder('tiny-sdxl-turbo');
    const { generator } = await loadGenerator.run({}, { ...initial, model }, contextOf({ progress }));
    expect(generator.name).toBe('tiny-sdxl-turbo');
    expect(fractions).toHaveLength(4);
    expect(fractions).toEqual(fractions.toSorted((a, b) => a - b));
    generator.dispose();
  });

  it('reads the files that its cache key covers', () => {
    expect(loadGenerator.files?.({ ...initial, model: 'owner/name' })).toEqual(['owner/name']);
    expect(loadGenerator.files?.({ ...initial, model: 'unet.safetensors', base: 'owner/name' })).toEqual([
      'unet.safetensors',
      'owner/name',
    ]);
    const { base, model } = loadGenerator.params;
    expect([allows(base, ''), allows(base, 'owner/name'), allows(base, 'a\0'), allows(model, '')]).toEqual([
      ...[true, true, false, false],
    ]);
    expect(loadControlNet.files?.({ model: 'x.pth' })).toEqual(['x.pth']);
  });

  it('refuses a model that does not fit into the memory of the device', async () => {
    const small = { ...device, memory: { freeBytes: () => 1000 } };
    const run = loadGenerator.run({}, { ...initial, model: goldenFolder('tiny-sd15') }, contextOf({ device: small }));
    await expect(run).rejects.toThrow(/"tiny-sd15" needs .* of memory and .* are free/);
  });

  it('opens graphs that were saved before it had a prediction', () => {
    expect(loadGenerator.upgrades?.[1]?.({ model: 'owner/name' })).toEqual({ model: 'owner/name', prediction: 'auto' });
  });

  it('reads the prompts of graphs that were saved before it had a prompt style as it did', () => {
    expect(loadGenerator.upgrades?.[2]?.({ model: 'owner/name', prediction: 'v' })).toEqual({
      model: 'owner/name',
      prediction: 'v',
      promptStyle: 'plain',
    });
  });

  it.each([
    ['comfy', 'comfy'],
    ['a1111-no-norm', 'a1111'],
    ['plain', 'plain'],
  ] as const)('gives a generator that reads prompts in the style %s', async (promptStyle, style) => {
    const model = goldenFolder('tiny-sd15');
    const { generator } = await loadGenerator.run({}, { ...initial, model, promptStyle }, contextOf());
    expect(generator.promptStyle).toBe(style);
    expect(generator.unreadPart !== undefined).toBe(style === 'plain');
    generator.dispose();
  });

  it('takes prompts of a model that knows few words as they are', async () => {
    const model = `${repository}/nodes/model/builtin/world-one-step`;
    const { generator } = await loadGenerator.run({}, { ...initial, model }, contextOf());
    expect(generator.promptStyle).toBe('plain');
    generator.dispose();
  });

  it('stops when the run is cancelled', async () => {
    const controller = new AbortController();
    const progress = async () => controller.abort();
    const context = contextOf({ signal: controller.signal, progress });
    await expect(loadGenerator.run({}, { ...initial, model: goldenFolder('tiny-sd15') }, context)).rejects.toThrow(
      /abort/i,
    );
  });
});

it('Load ControlNet gives a ControlNet', async () => {
  const { controlnet } = await loadControlNet.run({}, { model: goldenFolder('tiny-controlnet') }, contextOf());
  expect(controlnet.name).toBe('tiny-controlnet');
  controlnet.dispose();
});
