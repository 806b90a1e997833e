import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeTiny } from '../../../../nodes/ml/models/autoencoderTiny.ts';
import { loadControlNet } from '../../../../nodes/ml/models/load/loadControlNet.ts';
import { loadGenerator } from '../../../../nodes/ml/models/load/loadGenerator.ts';
import { cacheFeatures } from '../../../../nodes/ml/models/promptFeatures.ts';
import { readings } from '../../../../nodes/ml/models/promptReader.ts';
import { latentNoise } from '../../../../nodes/ml/random.ts';
import {
  clipByValue,
  clone,
  concat,
  dispose,
  fill,
  grad,
  mean,
  memory,
  mul,
  square,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor3D,
  type Tensor4D,
  tensor3d,
  tidy,
} from '../../../../nodes/ml/tf.ts';
import { loadWeights } from '../../../../nodes/ml/weights/loadWeights.ts';
import { openCheckpoint } from '../../../../nodes/ml/weights/openCheckpoint.ts';
import { weightsOf } from '../../../../nodes/ml/weights/weights.ts';
import type { Condition, Consistency, ControlNet, Generator, SampleRequest } from '../../../../nodes/ports.ts';
import { guardLeaks, openTestDevice } from '../../../support/devices.ts';
import { diskFiles, goldenFolder } from '../../../support/golden.ts';

let generator: Generator;
beforeAll(async () => {
  await openTestDevice();
  generator = await loadGenerator(diskFiles, goldenFolder('tiny-sd15'));
  // What the tests say is remembered from now on, so that the leak guard sees no new features.
  const guided = { ...settings, guidanceScale: 2 };
  for (const negativePrompt of ['a vase', ''])
    valuesOf(denoise(request({ seeds: [1, 2], prompts, negativePrompt, settings: guided })));
});
afterAll(() => generator.dispose());
guardLeaks();

const prompts = ['a red dog', 'a green cat'];
const settings = { scheduler: 'euler', steps: 2, guidanceScale: 1, eta: 0 };
type Wanted = Partial<Omit<SampleRequest, 'noise'>> & { seeds?: readonly number[] };

function request({ seeds = [5], ...wanted }: Wanted = {}): SampleRequest {
  return {
    noise: { latents: latentNoise(seeds, [4, 4, 4]), seeds },
    prompts: ['a red dog'],
    negativePrompt: '',
    settings,
    conditions: [],
    ...wanted,
  };
}

/** Clean latents; frees the noise. */
function denoise(asked: SampleRequest, by = generator): Tensor4D {
  const steps = by.denoise(asked);
  for (;;) {
    const { done, value } = steps.next();
    if (!done) continue;
    asked.noise.latents.dispose();
    return value;
  }
}

function valuesOf(tensor: Tensor): Float32Array {
  const values = tensor.dataSync() as Float32Array;
  tensor.dispose();
  return values;
}

function expectClose(got: Float32Array, expected: Float32Array, tolerance = 1e-4): void {
  expect(got.length).toBe(expected.length);
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const error = got.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i]!)), 0);
  expect(error).toBeLessThan(tolerance * largest);
}

describe('each image stands for itself', () => {
  it.each(['euler-ancestral', 'ddpm', 'dpm++2m'])('%s: a batch is what its images are alone', (scheduler) => {
    const asked = { settings: { ...settings, scheduler, steps: 3 } };
    const batch = valuesOf(denoise(request({ ...asked, seeds: [5, 6], prompts })));
    const alone = prompts.map((prompt, i) =>
      valuesOf(denoise(request({ ...asked, seeds: [5 + i], prompts: [prompt] }))),
    );
    expectClose(batch.slice(0, 64), alone[0]!);
    expectClose(batch.slice(64), alone[1]!);
    expect(alone[0]).not.toEqual(alone[1]);
  });

  it('further noise comes from the seed: equal seeds agree, and the steps do not repeat it', () => {
    const asked = { settings: { ...settings, scheduler: 'euler-ancestral', steps: 3 } };
    const [first, again] = [1, 2].map(() => valuesOf(denoise(request(asked))));
    expect(again).toEqual(first);
    const plain = valuesOf(denoise(request({ settings: { ...settings, steps: 3 } })));
    expect(first).not.toEqual(plain);
  });
});

describe('guidance', () => {
  it.each([0, 1])('scale %d asks the model once and ignores the negative prompt', (guidanceScale) => {
    const asked = { settings: { ...settings, guidanceScale } };
    const expected = valuesOf(denoise(request({ settings: { ...settings, guidanceScale: 1 } })));
    expect(valuesOf(denoise(request({ ...asked, negativePrompt: 'a vase' })))).toEqual(expected);
  });

  it('above 1 moves away from the negative prompt; the prompt itself as negative changes nothing', () => {
    const guided = { settings: { ...settings, guidanceScale: 2 } };
    const plain = valuesOf(denoise(request()));
    expectClose(valuesOf(denoise(request({ ...guided, negativePrompt: 'a red dog' }))), plain);
    expect(valuesOf(denoise(request({ ...guided, negativePrompt: 'a vase' })))).not.toEqual(plain);
  });
});

describe('prompts of several chunks', () => {
  let long: Generator;
  const chunks = (count: number) => Array.from({ length: count * 20 }, (_, i) => `(a dog ${i}:1.${i % 5})`).join(', ');
  beforeAll(async () => {
    long = await loadGenerator(diskFiles, goldenFolder('tiny-sd15'), { reading: readings.comfy });
    for (const prompt of ['', 'a vase', chunks(2), chunks(3), 'a red dog'])
      valuesOf(denoise(request({ prompts: [prompt] }), long));
  });
  afterAll(() => long.dispose());
  const guided = { settings: { ...settings, guidanceScale: 2 } };

  it('differ by what stands far behind', () => {
    const [first, second] = [chunks(2), chunks(3)].map((prompt) =>
      valuesOf(denoise(request({ prompts: [prompt] }), long)),
    );
    expect(first).not.toEqual(second);
  });

  it('stand beside a short negative prompt, and in a batch of other lengths', () => {
    const asked = { ...guided, negativePrompt: 'a vase' };
    const all = [chunks(2), 'a red dog', chunks(3)];
    const batch = valuesOf(denoise(request({ ...asked, seeds: [5, 6, 7], prompts: all }), long));
    for (const [i, prompt] of all.entries()) {
      const alone = valuesOf(denoise(request({ ...asked, seeds: [5 + i], prompts: [prompt] }), long));
      expectClose(batch.slice(64 * i, 64 * (i + 1)), alone);
    }
  });

  it('guided away from themselves are what they are unguided', () => {
    const [prompt] = [chunks(3)];
    const plain = valuesOf(denoise(request({ prompts: [prompt] }), long));
    expectClose(valuesOf(denoise(request({ ...guided, prompts: [prompt], negativePrompt: prompt }), long)), plain);
  });

  it('of one chunk without signs are what plain prompts are', () => {
    expect(valuesOf(denoise(request(), long))).toEqual(valuesOf(denoise(request())));
  });
});

describe('prompts in the way of stable-diffusion-webui', () => {
  let webui: Generator;
  const images = (prompt: string, more: Wanted = {}) =>
    valuesOf(denoise(request({ prompts: [prompt], ...more }), webui));
  const later = { settings: { ...settings, steps: 4 } };
  beforeAll(async () => {
    webui = await loadGenerator(diskFiles, goldenFolder('tiny-sd15'), { reading: readings.a1111 });
    for (const prompt of ['', 'a vase', 'a red dog', ' a red dog', ' a green cat']) images(prompt);
  });
  afterAll(() => webui.dispose());

  it('change from one step to another', () => {
    expect(images('[a red dog: a green cat:4]', later)).toEqual(images('a red dog', later));
    const changed = images('[a red dog: a green cat:1]', later);
    expect(changed).not.toEqual(images('a red dog', later));
    expect(changed).not.toEqual(images(' a green cat', later));
  });

  it('joined by AND with themselves are what they are alone', () => {
    const guided = { settings: { ...settings, guidanceScale: 2 }, negativePrompt: 'a vase' };
    expectClose(images('a red dog :0.5 AND a red dog :0.5', guided), images('a red dog', guided));
  });

  it('say nothing by what loads a LoRA', () => {
    expect(images('a red dog<lora:more:0.7>')).toEqual(images('a red dog'));
  });
});

describe('denoising step by step', () => {
  it('tells each step, and frees everything when it is left early', () => {
    const asked = request({ settings: { ...settings, steps: 4 } });
    const seen: number[] = [];
    for (const { step, steps, latents, estimate } of generator.denoise(asked)) {
      expect([steps, latents.shape, estimate.shape]).toEqual([4, [1, 4, 4, 4], [1, 4, 4, 4]]);
      seen.push(step);
      if (step === 2) break;
    }
    asked.noise.latents.dispose();
    expect(seen).toEqual([1, 2]);
  });

  it('has the same gradient whether activations are recomputed or kept', async () => {
    const keeping = await loadGenerator(diskFiles, goldenFolder('tiny-sd15'), { memory: { recompute: false } });
    const gradientOf = (by: Generator) =>
      tidy(() => {
        const { noise, ...rest } = request();
        const loss = (latents: Tensor) =>
          sum(by.decode(denoise({ ...rest, noise: { ...noise, latents: clone(latents) as Tensor4D } }, by)));
        return grad(loss)(noise.latents).dataSync() as Float32Array;
      });
    expectClose(gradientOf(keeping), gradientOf(generator));
    keeping.dispose();
  });

  it('refuses what does not fit together', () => {
    const refusal = (asked: SampleRequest) => {
      try {
        denoise(asked);
      } catch (error) {
        asked.noise.latents.dispose();
        return (error as Error).message;
      }
      return 'accepted';
    };
    expect(refusal(request({ prompts: ['a', 'b', 'c'] }))).toMatch('There are 3 prompts for 1 images');
    const wide = { latents: latentNoise([1], [4, 4, 8]), seeds: [1] };
    const { noise, ...rest } = request();
    noise.latents.dispose();
    expect(refusal({ ...rest, noise: wide })).toMatch('The noise has 8 channels; "tiny-sd15" needs 4.');
    const extra = tidy(() => fill([2, 32, 32, 3], 0.5)) as Tensor4D;
    const condition = { controlnet: undefined as unknown as ControlNet, image: extra, scale: 1, start: 0, end: 1 };
    expect(refusal(request({ conditions: [condition] }))).toMatch('There are 2 condition images or maps for 1 images');
    extra.dispose();
  });
});

describe('ControlNets', () => {
  let controlnet: ControlNet;
  let image: Tensor4D;
  const steered = (wanted: Partial<Condition>, more: Wanted = {}) =>
    request({ conditions: [{ controlnet, image, scale: 1, start: 0, end: 1, ...wanted }], ...more });
  beforeAll(async () => {
    controlnet = await loadControlNet(diskFiles, goldenFolder('tiny-controlnet'));
    image = fill([1, 32, 32, 3], 0.5) as Tensor4D;
  });
  afterAll(() => {
    controlnet.dispose();
    image.dispose();
  });

  it('act with their scale', () => {
    const plain = valuesOf(denoise(request()));
    expectClose(valuesOf(denoise(steered({ scale: 0 }))), plain, 1e-6);
    expect(valuesOf(denoise(steered({})))).not.toEqual(plain);
    const half = { controlnet, image, scale: 0.5, start: 0, end: 1 };
    const halves = valuesOf(denoise(request({ conditions: [half, half] })));
    expectClose(halves, valuesOf(denoise(steered({}))));
  });

  it('act between start and end, also with guidance', () => {
    const calls: number[][] = [];
    const spy: ControlNet = {
      ...controlnet,
      residuals(input) {
        calls.push([...input.timesteps.dataSync()]);
        return controlnet.residuals(input);
      },
    };
    const guided = { settings: { ...settings, steps: 4, guidanceScale: 2 } };
    valuesOf(denoise(steered({ controlnet: spy, start: 0.25, end: 0.75 }, guided)));
    expect(calls.map(({ length }) => length)).toEqual([2, 2]);
    const [first, second] = calls as [number[], number[]];
    expect(first[0]).toBeGreaterThan(second[0]!);
    expect(first[0]).toBeLessThan(999);
  });

  it('goes on with the prompts, offsets, control and guidance images of the rows that are chosen', () => {
    const seeds = [5, 6, 7];
    const all = [...prompts, 'a vase'];
    const images = seeds.map((seed) => tidy(() => fill([1, 32, 32, 3], seed / 10) as Tensor4D));
    const offsets = seeds.map((seed) => tidy(() => fill([1, ...generator.promptShape!()], seed / 5) as Tensor3D));
    const run = (rows: readonly number[], chosen?: readonly number[]) => {
      const image = concat(rows.map((row) => images[row]!)) as Tensor4D;
      const promptOffset = concat(rows.map((row) => offsets[row]!)) as Tensor3D;
      const asked = request({
        seeds: rows.map((row) => seeds[row]!),
        prompts: rows.map((row) => all[row]!),
        settings: { scheduler: 'ddim', steps: 3, guidanceScale: 2, eta: 1 },
        conditions: [{ controlnet, image, scale: 1, start: 0, end: 1 }],
        guidance: { consistency: likeness, image, scale: 0.3, maxTimestep: 1000 },
        promptOffset,
        ...(chosen && { choosesRows: true }),
      });
      const steps = generator.denoise(asked);
      let step = steps.next();
      for (let index = 0; !step.done; index++) step = steps.next(index === 1 ? chosen : undefined);
      dispose([image, promptOffset, asked.noise.latents]);
      return valuesOf(step.value);
    };
    const expected = run([2, 0]);
    expectClose(run([0, 1, 2], [2, 0]), expected);
    const other = run([0, 1, 2], [2, 1]);
    expectClose(other.slice(0, 64), expected.slice(0, 64));
    expect(other.slice(64)).not.toEqual(expected.slice(64));
    dispose([...images, ...offsets]);
  });
});

/** How near images are to the condition image in colour. */
const likeness: Consistency = {
  name: 'likeness',
  bytes: 0,
  differentiable: true,
  metric: { name: 'RMSE', best: 'lowest' },
  map: clone,
  loss: (pixels, condition) => tidy(() => mean(square(sub(pixels, condition)), [1, 2, 3]) as Tensor1D),
  measure: (pixels, condition) => tidy(() => mean(square(sub(pixels, condition)), [1, 2, 3]) as Tensor1D),
  dispose: () => {},
};

it('decodes by a tiny autoencoder where the vae folder holds one', async () => {
  const [folder, tiny] = [goldenFolder('tiny-sd15'), goldenFolder('taesd/tiny')];
  const moved = (path: string) => path.replace(`${folder}/vae`, tiny);
  const files = {
    ...diskFiles,
    read: (path: string, start?: number, end?: number) => diskFiles.read(moved(path), start, end),
    open: (path: string) => diskFiles.open(moved(path)),
    size: (path: string) => diskFiles.size(moved(path)),
    list: (path: string) => diskFiles.list(moved(path)),
  };
  const small = await loadGenerator(files, folder);
  const latents = latentNoise([1], [4, 4, 4]);
  const image = small.decode(latents);
  expect(image.shape).toEqual([1, 32, 32, 3]);
  const tensors = await loadWeights(await openCheckpoint(files, `${tiny}/diffusion_pytorch_model.safetensors`));
  const expected = tidy(() => clipByValue(decodeTiny(latents, weightsOf(tensors).at('decoder.layers')), 0, 1));
  expectClose(valuesOf(image), valuesOf(expected));
  dispose([latents, ...tensors.values()]);
  small.dispose();
});

describe('cacheFeatures', () => {
  it('computes a prompt once, also inside a tidy, and keeps the last used ones', () => {
    const asked: string[] = [];
    const remembered = cacheFeatures((prompt) => {
      asked.push(prompt);
      return { context: tensor3d([[[asked.length]]]), pooled: undefined };
    }, 2);
    const seen = tidy(() => concat(['a', 'b', 'a', 'c'].map((prompt) => mul(remembered.of(prompt).context, 1))));
    expect(valuesOf(seen)).toEqual(Float32Array.of(1, 2, 1, 3));
    remembered.trim();
    expect(asked).toEqual(['a', 'b', 'c']);
    expect(remembered.of('a').context.dataSync()).toEqual(Float32Array.of(1));
    remembered.of('b');
    expect(asked).toEqual(['a', 'b', 'c', 'b']);
    const before = memory().numTensors;
    remembered.dispose();
    expect(memory().numTensors).toBe(before - 3);
  });
});
