import { expect, it } from 'vitest';
import { describeSteps } from '../../../electron/training/describeSteps.ts';

it('tells of steps, a smooth loss, and images a second since the first step of the run', () => {
  let time = 5000;
  const describe = describeSteps({ steps: 110, batch: 32 }, () => time);
  expect(describe(11, 2)).toEqual({ fraction: 0.01, text: 'step 11 of 110, loss 2.0000' });
  time += 4000;
  expect(describe(12, 1)).toEqual({ fraction: 0.02, text: 'step 12 of 110, loss 1.9800, 8.00 images a second' });
  time += 1000;
  expect(describe(13, 1.98).text).toBe('step 13 of 110, loss 1.9800, 12.8 images a second');
  expect(describe(110, 1.98).fraction).toBe(1);
});
