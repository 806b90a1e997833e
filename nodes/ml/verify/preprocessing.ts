import { clipTransform } from '../image/clipTransform.ts';
import { type BicubicKind, resizeBicubic } from '../image/resize.ts';
import { grad, mean, mul, square, sum, type Tensor, type Tensor4D, tensor4d, tidy } from '../tf.ts';
import { channelsFirst, channelsLast, thinned } from './channels.ts';
import type { Family, GoldenFolder } from './family.ts';
import { type Formula, parseFormula } from './formula.ts';

interface Settings {
  /** 'pixel(...) = ...; weight(...) = ...' of channel c, row y and column x. */
  readonly image_formula: string;
  readonly cases: Readonly<Record<string, TransformCase>>;
  readonly resizes: Readonly<Record<string, { readonly to: readonly [height: number, width: number] }>>;
}
interface TransformCase {
  readonly size: readonly [height: number, width: number];
  readonly target: number;
  /** Every how manieth row and column of the pixels, and of the gradient, is stored. */
  readonly stride?: number;
  readonly gradient_stride?: number;
  /** The image is that of `image_formula` instead of an input. */
  readonly formula?: boolean;
}

/** Resizing and normalising of images for rewards, with the gradient. */
export const preprocessing: Family = async (golden) => {
  const { image_formula: text, cases = {}, resizes = {} } = golden.settings as Partial<Settings>;
  const formulas = readFormulas(text ?? '');
  for (const [name, each] of Object.entries(cases)) verifyTransform(golden, name, each, formulas);
  for (const [name, { to }] of Object.entries(resizes)) {
    for (const kind of ['antialias', 'plain'] satisfies BicubicKind[]) {
      const resized = tidy(() =>
        channelsFirst(resizeBicubic(channelsLast(golden.input(`in.resize.${name}.image`)), to[0], to[1], kind)),
      );
      golden.output(`out.resize.${name}.${kind}`, resized);
    }
  }
};

function verifyTransform(
  golden: GoldenFolder,
  name: string,
  settings: TransformCase,
  formulas: ReadonlyMap<string, Formula>,
): void {
  const { size, target, stride = 1, gradient_stride: gradientStride = 1, formula } = settings;
  tidy(() => {
    const image = formula
      ? evaluate(formulas.get('pixel'), 1, size[0], size[1])
      : channelsLast(golden.input(`in.${name}.image`));
    const pixels = clipTransform(image, target);
    const weight = evaluate(formulas.get('weight'), 1, target, target);
    const gradient = grad((x: Tensor) => sum(mul(clipTransform(x as Tensor4D, target), weight)))(image) as Tensor4D;
    golden.output(`out.${name}.pixels`, thinned(channelsFirst(pixels), stride));
    golden.output(`out.${name}.mean_square`, mean(square(pixels)));
    golden.output(`out.${name}.grad_image`, thinned(channelsFirst(gradient), gradientStride));
  });
}

/** name -> formula, from 'name(...) ... = formula; ...'. */
function readFormulas(text: string): Map<string, Formula> {
  const parts = [...text.matchAll(/(\w+)\([^)]*\)[^=]*=\s*([^;]+)/g)];
  return new Map(parts.map(([, name = '', formula = '']) => [name, parseFormula(formula)]));
}

/** [count, height, width, 3] of a formula of c, y and x. */
function evaluate(formula: Formula | undefined, count: number, height: number, width: number): Tensor4D {
  const values = new Float32Array(count * height * width * 3);
  if (formula) {
    for (let i = 0; i < values.length; i++) {
      const place = Math.floor(i / 3);
      values[i] = formula({ c: i % 3, x: place % width, y: Math.floor(place / width) % height });
    }
  } else values.fill(Number.NaN);
  return tensor4d(values, [count, height, width, 3]);
}
