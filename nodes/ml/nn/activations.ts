import { add, concat, erf, exp, mul, sigmoid, split, square, sub, type Tensor } from '../tf.ts';
import { defineGradientOp, defineOp } from './defineOp.ts';

/** x sigmoid(x), elementwise. Source: arXiv 1702.03118 (SiLU) */
export const silu = <T extends Tensor>(x: T): T => siluOp({ x }) as T;

/** x sigmoid(1.702 x), elementwise: the approximation of GELU in OpenAI's CLIP. Source: arXiv 1606.08415, section 2 */
export const quickGelu = <T extends Tensor>(x: T): T => quickGeluOp({ x }) as T;

/** x Phi(x) with the normal distribution function Phi, by erf, elementwise. Source: arXiv 1606.08415, section 2 */
export const gelu = <T extends Tensor>(x: T): T => geluOp({ x }) as T;

/** First half of the last axis times GELU of the second: [..., 2 C] -> [..., C]. Source: arXiv 2002.05202, equation 6 */
export const geglu = <T extends Tensor>(x: T): T => gegluOp({ x }) as T;

type Activation = 'Silu' | 'QuickGelu' | 'Gelu' | 'Geglu';

/** Defines an op f(x), and another for its gradient dy f'(x). */
function defineActivation(
  name: Activation,
  forward: (x: Tensor) => Tensor,
  backward: (dy: Tensor, x: Tensor) => Tensor,
) {
  const gradientOp = defineGradientOp(`Noiseloom${name}Gradient`, ['dy', 'x'], ({ dy, x }) => [backward(dy, x)]);
  const op = defineOp(`Noiseloom${name}`, {
    reads: ['x'],
    forward: ({ x }) => [forward(x)],
    gradient: (dy, [x]) => ({ x: () => gradientOp({ dy, x: x! })[0] }),
  });
  return [op, gradientOp] as const;
}

/** s (1 + c x (1 - s)), s = sigmoid(c x): the derivative of x s */
function swishDerivative(x: Tensor, c: number): Tensor {
  const s = sigmoid(c === 1 ? x : mul(x, c));
  const y = mul(x, s);
  return add(s, c === 1 ? sub(y, mul(y, s)) : mul(sub(y, mul(y, s)), c));
}

export const [siluOp, siluGradient] = defineActivation(
  'Silu',
  (x) => mul(x, sigmoid(x)),
  (dy, x) => mul(dy, swishDerivative(x, 1)),
);

const [quickGeluOp] = defineActivation(
  'QuickGelu',
  (x) => mul(x, sigmoid(mul(x, 1.702))),
  (dy, x) => mul(dy, swishDerivative(x, 1.702)),
);

/** Phi(x) = (1 + erf(x / sqrt 2)) / 2 */
const normalCdf = (x: Tensor): Tensor => add(mul(erf(mul(x, Math.SQRT1_2)), 0.5), 0.5);
/** d (x Phi(x)) / dx = Phi(x) + x phi(x), phi(x) = exp(-x^2 / 2) / sqrt(2 pi) */
const geluDerivative = (x: Tensor, phi: Tensor): Tensor =>
  add(phi, mul(x, mul(exp(mul(square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI))));

const [geluOp] = defineActivation(
  'Gelu',
  (x) => mul(x, normalCdf(x)),
  (dy, x) => mul(dy, geluDerivative(x, normalCdf(x))),
);

const [gegluOp] = defineActivation(
  'Geglu',
  (x) => {
    const [value, gate] = split(x, 2, -1) as [Tensor, Tensor];
    return mul(value, mul(gate, normalCdf(gate)));
  },
  (dy, x) => {
    const [value, gate] = split(x, 2, -1) as [Tensor, Tensor];
    const phi = normalCdf(gate);
    return concat([mul(dy, mul(gate, phi)), mul(mul(dy, value), geluDerivative(gate, phi))], -1);
  },
);
