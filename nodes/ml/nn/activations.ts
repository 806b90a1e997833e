import { add, concat, erf, exp, mul, sigmoid, split, square, sub, type Tensor } from '../tf.ts';
import { defineOp } from './defineOp.ts';

/** x sigmoid(x), elementwise. Source: arXiv 1702.03118 (SiLU) */
export const silu = <T extends Tensor>(x: T): T => siluOp({ x }) as T;

/** x sigmoid(1.702 x), elementwise: the approximation of GELU in OpenAI's CLIP. Source: arXiv 1606.08415, section 2 */
export const quickGelu = <T extends Tensor>(x: T): T => quickGeluOp({ x }) as T;

/** x Phi(x) with the normal distribution function Phi, by erf, elementwise. Source: arXiv 1606.08415, section 2 */
export const gelu = <T extends Tensor>(x: T): T => geluOp({ x }) as T;

/** First half of the last axis times GELU of the second: [..., 2 C] -> [..., C]. Source: arXiv 2002.05202, equation 6 */
export const geglu = <T extends Tensor>(x: T): T => gegluOp({ x }) as T;

/** y = x s, s = sigmoid(x):  dx = dy (s + y - y s) */
const siluOp = defineOp<{ x: Tensor }>({
  name: 'NoiseloomSilu',
  reads: ['x'],
  keeps: 1,
  forward: ({ x }) => [mul(x, sigmoid(x))],
  gradient: (dy, [x, y]) => ({
    x: () => {
      const s = sigmoid(x as Tensor);
      return mul(dy, add(s, sub(y as Tensor, mul(y as Tensor, s))));
    },
  }),
});

/** y = x s, s = sigmoid(c x), c = 1.702:  dx = dy (s + c (y - y s)) */
const quickGeluOp = defineOp<{ x: Tensor }>({
  name: 'NoiseloomQuickGelu',
  reads: ['x'],
  keeps: 1,
  forward: ({ x }) => [mul(x, sigmoid(mul(x, 1.702)))],
  gradient: (dy, [x, y]) => ({
    x: () => {
      const s = sigmoid(mul(x as Tensor, 1.702));
      return mul(dy, add(s, mul(sub(y as Tensor, mul(y as Tensor, s)), 1.702)));
    },
  }),
});

/** Phi(x) = (1 + erf(x / sqrt 2)) / 2 */
const cumulative = (x: Tensor): Tensor => add(mul(erf(mul(x, Math.SQRT1_2)), 0.5), 0.5);
/** d (x Phi(x)) / dx = Phi(x) + x phi(x), phi(x) = exp(-x^2 / 2) / sqrt(2 pi) */
const slope = (x: Tensor, phi: Tensor): Tensor =>
  add(phi, mul(x, mul(exp(mul(square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI))));

const geluOp = defineOp<{ x: Tensor }>({
  name: 'NoiseloomGelu',
  reads: ['x'],
  forward: ({ x }) => [mul(x, cumulative(x))],
  gradient: (dy, [x]) => ({ x: () => mul(dy, slope(x as Tensor, cumulative(x as Tensor))) }),
});

const gegluOp = defineOp<{ x: Tensor }>({
  name: 'NoiseloomGeglu',
  reads: ['x'],
  forward({ x }) {
    const [value, gate] = split(x, 2, -1) as [Tensor, Tensor];
    return [mul(value, mul(gate, cumulative(gate)))];
  },
  gradient: (dy, [x]) => ({
    x: () => {
      const [value, gate] = split(x as Tensor, 2, -1) as [Tensor, Tensor];
      const phi = cumulative(gate);
      return concat([mul(dy, mul(gate, phi)), mul(mul(dy, value), slope(gate, phi))], -1);
    },
  }),
});
