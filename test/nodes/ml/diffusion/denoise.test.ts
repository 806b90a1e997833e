import { beforeAll, describe, expect, it } from 'vitest';
import { createScheduler } from '../../../../nodes/ml/diffusion/createScheduler.ts';
import {
  type DenoiseHooks,
  type DenoisingModel,
  denoise,
  type StepPoint,
} from '../../../../nodes/ml/diffusion/denoise.ts';
import { latentNoise, noiseSource } from '../../../../nodes/ml/random.ts';
import { add, dispose, mul, sub, sum, type Tensor4D, tidy, valueAndGrad } from '../../../../nodes/ml/tf.ts';
import { guardLeaks, openTestDevice } from '../../../support/devices.ts';

const seeds = [3, 4];
const startNoise = () => ({ latents: latentNoise(seeds, [2, 2, 4]), seeds });
/** A model that takes a third of what it sees for noise. */
const third: DenoisingModel = { predict: (latents) => mul(latents, 1 / 3) };

describe('denoise', () => {
  beforeAll(async () => void (await openTestDevice()));
  guardLeaks();
  const ddim = createScheduler({ _class_name: 'DDIMScheduler', clip_sample: false });

  function finish(run: ReturnType<typeof denoise>): Tensor4D {
    let step = run.next();
    while (!step.done) step = run.next();
    return step.value;
  }

  it('asks the model at every timestep of the plan, and yields what the scheduler makes of the answers', () => {
    const noise = startNoise();
    const plan = ddim.plan(3);
    const asked: StepPoint[] = [];
    const model: DenoisingModel = {
      predict(latents, point) {
        asked.push(point);
        return third.predict(latents, point);
      },
    };
    let x: Tensor4D = mul(noise.latents, plan.initNoiseSigma);
    const run = denoise(model, ddim, plan, noise);
    for (let i = 0; i < 3; i++) {
      const { value, done } = run.next();
      if (done) return expect.fail('it ended early');
      const modelOutput: Tensor4D = mul(x, 1 / 3);
      const expected = ddim.step(plan, i, { x, modelOutput, state: [] });
      expect([value.step, value.steps]).toEqual([i + 1, 3]);
      expect(value.latents.dataSync()).toEqual(expected.x.dataSync());
      expect(value.estimate.dataSync()).toEqual(expected.estimate.dataSync());
      dispose([x, modelOutput, expected.estimate]);
      x = expected.x;
    }
    const { value, done } = run.next();
    expect(done).toBe(true);
    expect((value as Tensor4D).dataSync()).toEqual(x.dataSync());
    expect(asked).toEqual(plan.timesteps.map((timestep, index) => ({ index, steps: 3, timestep })));
    dispose([x, value as Tensor4D, noise.latents]);
  });

  it('draws the further noise of each image from its own seed, after its latents', () => {
    const noise = startNoise();
    const drawn: number[][] = [];
    const listening = {
      ...ddim,
      step: ((plan, i, input) => {
        if (input.noise) drawn.push([...input.noise.dataSync()]);
        return ddim.step(plan, i, input);
      }) as typeof ddim.step,
    };
    dispose([finish(denoise(third, listening, ddim.plan(3, { eta: 1 }), noise)), noise.latents]);
    const sources = seeds.map(noiseSource);
    for (const draw of sources) draw(16);
    expect(drawn.length).toBeGreaterThan(1);
    for (const values of drawn)
      for (const [row, draw] of sources.entries()) {
        const own = draw(16); // [c, h, w]
        const expected = Array.from(own, (_, k) => own[(k % 4) * 4 + Math.floor(k / 4)]!);
        expect(values.slice(16 * row, 16 * row + 16)).toEqual(expected);
      }
  });

  it('moves the latents before the model is asked, where the hook says so', () => {
    const noise = startNoise();
    const seen: number[] = [];
    const hooks: DenoiseHooks = {
      moveLatents(x, { index, estimate }) {
        seen.push(index);
        return index === 1 ? sub(x, mul(estimate(x), 0.5)) : undefined;
      },
    };
    const plan = ddim.plan(2);
    const expected = tidy(() => {
      const first = ddim.step(plan, 0, { x: noise.latents, modelOutput: mul(noise.latents, 1 / 3), state: [] }).x;
      const { estimate } = ddim.step(plan, 1, { x: first, modelOutput: mul(first, 1 / 3), state: [] });
      const x: Tensor4D = sub(first, mul(estimate, 0.5));
      return ddim.step(plan, 1, { x, modelOutput: mul(x, 1 / 3), state: [] }).x;
    });
    const result = finish(denoise(third, ddim, plan, noise, hooks));
    expect(result.dataSync()).toEqual(expected.dataSync());
    expect(seen).toEqual([0, 1]);
    dispose([result, expected, noise.latents]);
  });

  it('lets a gradient run through, back to the noise', () => {
    const { latents } = startNoise();
    const plan = ddim.plan(2);
    const total = (x: Tensor4D) => sum(finish(denoise(third, ddim, plan, { latents: x, seeds })));
    const { value, grad } = tidy(() => valueAndGrad((x) => total(x as Tensor4D))(latents));
    const moved = tidy(() => total(add(latents, 0.5)));
    const change = moved.dataSync()[0]! - value.dataSync()[0]!; // the model is linear: no rest
    const slope = tidy(() => sum(mul(grad, 0.5)));
    expect(change / slope.dataSync()[0]!).toBeCloseTo(1, 3);
    dispose([value, grad, moved, slope, latents]);
  });

  it('frees everything where it is closed early, and where the model throws', () => {
    const noise = startNoise();
    const closed = denoise(third, ddim, ddim.plan(3), noise);
    closed.next();
    closed.return(noise.latents);
    let calls = 0;
    const failing: DenoisingModel = {
      predict(latents, point) {
        if (++calls === 2) throw new Error('no memory');
        return third.predict(latents, point);
      },
    };
    expect(() => finish(denoise(failing, ddim, ddim.plan(3), noise))).toThrow('no memory');
    dispose(noise.latents);
  });
});
