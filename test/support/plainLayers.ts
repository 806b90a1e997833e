/** Layers of networks written out as loops over plain numbers, to compare the real ones with. */
export interface Plane {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** (row, column, channel) */
  readonly values: readonly number[];
}
export type At = (y: number, x: number, c: number) => number;

export function plane(height: number, width: number, channels: number, at: At): Plane {
  const values: number[] = [];
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) for (let c = 0; c < channels; c++) values.push(at(y, x, c));
  return { height, width, channels, values };
}

/** Zero outside. */
export const valueAt = ({ height, width, channels, values }: Plane, y: number, x: number, c: number): number =>
  y < 0 || x < 0 || y >= height || x >= width ? 0 : values[(y * width + x) * channels + c]!;

/** Kernel [out][in][kh][kw] as one list, as in PyTorch's files. */
export interface Kernel {
  readonly shape: readonly number[];
  readonly values: ArrayLike<number>;
  readonly bias: ArrayLike<number>;
}

export function convolved(p: Plane, { shape, values, bias }: Kernel, stride = 1, padding = 0): Plane {
  const [out, into, kh, kw] = shape as [number, number, number, number];
  const [h, w] = [p.height, p.width].map((side, i) => Math.floor((side + 2 * padding - [kh, kw][i]!) / stride) + 1);
  return plane(h!, w!, out, (y, x, o) => {
    let total = bias[o]!;
    for (let i = 0; i < into; i++)
      for (let ky = 0; ky < kh; ky++)
        for (let kx = 0; kx < kw; kx++)
          total +=
            values[((o * into + i) * kh + ky) * kw + kx]! *
            valueAt(p, y * stride + ky - padding, x * stride + kx - padding, i);
    return total;
  });
}

/** PyTorch's ConvTranspose2d(3, stride=2, padding=1, output_padding=1); kernel [in][out][3][3]: every input is spread out. */
export function doubled(p: Plane, { shape, values, bias }: Kernel): Plane {
  const [into, out] = shape as [number, number];
  const result = Array.from({ length: 4 * p.height * p.width * out }, (_, i) => bias[i % out]!);
  for (let y = 0; y < p.height; y++)
    for (let x = 0; x < p.width; x++)
      for (let i = 0; i < into; i++)
        for (let o = 0; o < out; o++)
          for (let ky = 0; ky < 3; ky++)
            for (let kx = 0; kx < 3; kx++) {
              const [toY, toX] = [2 * y + ky - 1, 2 * x + kx - 1];
              if (toY < 0 || toX < 0 || toY >= 2 * p.height || toX >= 2 * p.width) continue;
              const to = (toY * 2 * p.width + toX) * out + o;
              result[to]! += valueAt(p, y, x, i) * values[((i * out + o) * 3 + ky) * 3 + kx]!;
            }
  return { height: 2 * p.height, width: 2 * p.width, channels: out, values: result };
}

export const mapped = (p: Plane, f: (value: number) => number): Plane => ({ ...p, values: p.values.map(f) });

export function mirrored(p: Plane, width: number): Plane {
  const back = (i: number, length: number) => (i < 0 ? -i : i >= length ? 2 * (length - 1) - i : i);
  return plane(p.height + 2 * width, p.width + 2 * width, p.channels, (y, x, c) =>
    valueAt(p, back(y - width, p.height), back(x - width, p.width), c),
  );
}

export function normalised(p: Plane): Plane {
  const moments = Array.from({ length: p.channels }, (_, c) => {
    const own = p.values.filter((_, i) => i % p.channels === c);
    const mean = own.reduce((a, b) => a + b) / own.length;
    return { mean, variance: own.reduce((sum, value) => sum + (value - mean) ** 2, 0) / own.length };
  });
  return plane(p.height, p.width, p.channels, (y, x, c) => {
    const { mean, variance } = moments[c]!;
    return (valueAt(p, y, x, c) - mean) / Math.sqrt(variance + 1e-5);
  });
}

export const pooled = (p: Plane): Plane =>
  plane(p.height >> 1, p.width >> 1, p.channels, (y, x, c) =>
    Math.max(...[0, 1, 2, 3].map((i) => valueAt(p, 2 * y + (i >> 1), 2 * x + (i & 1), c))),
  );

/** Between the nearest old pixels, edges repeated, centres at halves. */
export function bilinear(p: Plane, height: number, width: number): Plane {
  const near = (i: number, from: number, to: number) => {
    const place = Math.min(Math.max(((i + 0.5) * from) / to - 0.5, 0), from - 1);
    return [Math.floor(place), Math.min(Math.floor(place) + 1, from - 1), place - Math.floor(place)] as const;
  };
  return plane(height, width, p.channels, (y, x, c) => {
    const [y0, y1, dy] = near(y, p.height, height);
    const [x0, x1, dx] = near(x, p.width, width);
    const row = (at: number) => (1 - dx) * valueAt(p, at, x0, c) + dx * valueAt(p, at, x1, c);
    return (1 - dy) * row(y0) + dy * row(y1);
  });
}
