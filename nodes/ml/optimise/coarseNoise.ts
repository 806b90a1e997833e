/** A grid of few coordinates over latents [h, w, c]: `block` by `block` places of a channel share one. */
export interface Coarse {
  readonly shape: readonly [h: number, w: number, c: number];
  readonly block: number;
  /** How many coordinates there are. */
  readonly size: number;
}

export function coarseGrid(shape: Coarse['shape'], block: number): Coarse {
  const [h, w, c] = shape;
  return { shape, block, size: Math.ceil(h / block) * Math.ceil(w / block) * c };
}

/** Noise [h, w, c] with the coordinate of its block added to each place. */
export function spread(
  noise: Float32Array,
  coordinates: Float32Array,
  { shape: [, w, c], block }: Coarse,
): Float32Array<ArrayBuffer> {
  const columns = Math.ceil(w / block);
  return Float32Array.from(noise, (value, i) => {
    const [channel, x, y] = [i % c, Math.floor(i / c) % w, Math.floor(i / (c * w))];
    return value + coordinates[(Math.floor(y / block) * columns + Math.floor(x / block)) * c + channel]!;
  });
}
