import { UserError } from '../../errors.ts';
import { conv2d } from '../nn/conv2d.ts';
import {
  add,
  avgPool,
  div,
  mean,
  mul,
  pow,
  relu,
  square,
  sub,
  type Tensor1D,
  type Tensor4D,
  tensor4d,
  tidy,
} from '../tf.ts';
import { weightsOf } from '../weights/weights.ts';

/** Exponent of each scale, finest first. Source: Wang, Simoncelli and Bovik 2003, section 3.2 */
const exponents = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333];
const WINDOW_SIZE = 11;
const WINDOW_DEVIATION = 1.5;

/**
 * How alike maps of one channel are in structure, on several scales: 1 where they are the same.
 * maps and reference [1 or N, H, W, 1] in [0, 1], sides of 11 and more, -> [N]; the caller owns the result.
 * Source: Wang, Simoncelli and Bovik 2003, "Multi-scale structural similarity for image quality assessment", equation 7;
 * arXiv 2404.07987 evaluates soft edges and line art with it. Where an image is too small for five scales (sides under
 * 176), there are as many as fit, their exponents divided by their sum.
 *
 * | here | there          |                                                                        |
 * |------|----------------|------------------------------------------------------------------------|
 * | l    | l              | (2 mx my + C1) / (mx^2 + my^2 + C1), means under an 11x11 Gaussian window |
 * | cs   | c s            | (2 sxy + C2) / (sx^2 + sy^2 + C2), covariance and variances              |
 */
export function multiScaleSsim(maps: Tensor4D, reference: Tensor4D): Tensor1D {
  const side = Math.min(maps.shape[1], maps.shape[2]);
  const scales = exponents.filter((_, i) => Math.floor(side / 2 ** i) >= WINDOW_SIZE).length;
  if (scales === 0)
    throw new UserError(
      'BAD_SIZE',
      `SSIM needs maps of ${WINDOW_SIZE}x${WINDOW_SIZE} pixels; these have a side of ${side}.`,
    );
  const total = exponents.slice(0, scales).reduce((sum, exponent) => sum + exponent, 0);
  return tidy(() => {
    let [x, y] = [maps, reference];
    const factors = exponents.slice(0, scales).map((exponent, i) => {
      const { l, cs } = compare(x, y);
      const coarsest = i === scales - 1;
      const alike = mean(coarsest ? mul(l, cs) : cs, [1, 2, 3]); // [N]
      if (!coarsest) [x, y] = [avgPool(x, 2, 2, 'valid'), avgPool(y, 2, 2, 'valid')];
      return pow(relu(alike), exponent / total);
    });
    return factors.reduce((product, factor) => mul(product, factor)) as Tensor1D;
  });
}

/** Luminance, and contrast with structure, under every place of the window. Source: Wang et al. 2004, equations 6 and 13 */
function compare(x: Tensor4D, y: Tensor4D): { l: Tensor4D; cs: Tensor4D } {
  const [c1, c2] = [0.01 ** 2, 0.03 ** 2];
  const line = Array.from({ length: WINDOW_SIZE }, (_, i) =>
    Math.exp(-0.5 * ((i - (WINDOW_SIZE - 1) / 2) / WINDOW_DEVIATION) ** 2),
  );
  const sum = line.reduce((a, b) => a + b);
  const filter = (values: number[], height: number, width: number) =>
    weightsOf(
      new Map([
        [
          'weight',
          tensor4d(
            values.map((value) => value / sum),
            [height, width, 1, 1],
          ),
        ],
      ]),
    );
  const [down, across] = [filter(line, WINDOW_SIZE, 1), filter(line, 1, WINDOW_SIZE)];
  const under = (map: Tensor4D) => conv2d(conv2d(map, down), across);
  const [mx, my] = [under(x), under(y)];
  const variances = sub(add(under(square(x)), under(square(y))), add(square(mx), square(my)));
  const covariance = sub(under(mul(x, y)), mul(mx, my));
  const l: Tensor4D = div(add(mul(mul(mx, my), 2), c1), add(add(square(mx), square(my)), c1));
  return { l, cs: div(add(mul(covariance, 2), c2), add(variances, c2)) };
}
