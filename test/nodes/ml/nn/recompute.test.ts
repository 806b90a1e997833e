import { beforeAll, describe, expect, it } from 'vitest';
import { recompute } from '../../../../nodes/ml/nn/recompute.ts';
import { evaluateWithGradient } from '../../../../nodes/ml/optimise/evaluate.ts';
import { peakBytes } from '../../../../nodes/ml/optimise/peakBytes.ts';
import {
  backend,
  memory,
  mul,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor4D,
  tensor4d,
} from '../../../../nodes/ml/tf.ts';
import { openTestDevice } from '../../../support/devices.ts';

/*
 * A block that fails, as for want of memory, when it is run again on the way back.
 */

describe('a block that fails on the way back', () => {
  beforeAll(openTestDevice);

  it('leaves nothing behind, measured or not', async () => {
    const x = tensor4d([1, 2, 3, 4], [1, 2, 2, 1]);
    const { time } = backend();
    const before = memory().numTensors;
    const ascendOnce = () => {
      let calls = 0;
      const inner = (y: Tensor4D) => {
        const doubled = mul<Tensor4D>(y, 2);
        if (++calls > 1) throw new Error('OOM when allocating tensor');
        return mul<Tensor4D>(doubled, doubled);
      };
      const outer = (y: Tensor4D) => recompute(inner, [mul<Tensor4D>(y, 3)]);
      const look = (variable: Tensor) => {
        const pixels = recompute(outer, [variable as Tensor4D]);
        return { pixels, scores: [sum<Tensor1D>(pixels, [1, 2, 3])] };
      };
      evaluateWithGradient(x, look, [1]);
    };
    expect(ascendOnce).toThrow('OOM');
    expect(memory().numTensors).toBe(before);
    await expect(peakBytes(ascendOnce)).rejects.toThrow('OOM');
    expect(memory().numTensors).toBe(before);
    expect(backend().time).toBe(time);
    x.dispose();
  });
});
