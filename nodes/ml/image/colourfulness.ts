import { add, concat, mean, mul, slice, sqrt, square, sub, sum, type Tensor1D, type Tensor4D, tidy } from '../tf.ts';

/**
 * How colourful images are: a statistic of their pixels, no judgement of quality. 0 is grey, 15 slightly, 33
 * moderately, 45 averagely, 59 quite, 82 highly and 109 extremely colourful. Differentiable.
 * Source: Hasler and Süsstrunk 2003, "Measuring colourfulness in natural images", equation M(3).
 *
 * | here  | there               |                                                           |
 * |-------|---------------------|-----------------------------------------------------------|
 * | rg    | rg = R - G          | opponent colours, on a scale of 255                       |
 * | yb    | yb = (R + G) / 2 - B|                                                           |
 * | mu    | mu_rgyb             | length of the mean of (rg, yb)                            |
 * | sigma | sigma_rgyb          | length of the standard deviations of (rg, yb)             |
 *
 * @param pixels [N, H, W, 3] in [0, 1]; @returns [N]. Both belong to the caller.
 */
export function colourfulness(pixels: Tensor4D): Tensor1D {
  return tidy(() => {
    const [n, h, w] = pixels.shape;
    const channel = (c: number) => mul(slice(pixels, [0, 0, 0, c], [n, h, w, 1]), 255); // [N, H, W, 1]
    const [r, g, b] = [channel(0), channel(1), channel(2)];
    const rg = sub(r, g);
    const yb = sub(mul(add(r, g), 0.5), b);
    const opponents = concat([rg, yb], 3); // [N, H, W, 2]
    const means = mean(opponents, [1, 2], true); // [N, 1, 1, 2]
    const variances = mean(square(sub(opponents, means)), [1, 2]); // [N, 2]
    const length = (squares: Tensor1D) => sqrt(add(squares, 1e-6)); // grey images, too, have a finite gradient
    const sigma = length(sum(variances, 1));
    const mu = length(sum(square(means), [1, 2, 3]));
    return add(sigma, mul(mu, 0.3)) as Tensor1D;
  });
}
