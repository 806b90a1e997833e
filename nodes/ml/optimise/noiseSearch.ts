/** A noise that a search wants an image of. */
export interface Query {
  /** d standard normal numbers or something near, in the order of latents [h, w, c]. */
  readonly noise: Float32Array<ArrayBuffer>;
  /** Stochastic samplers draw their further noise from it. */
  readonly seed: number;
}

/** What a search wants to know next. */
export interface Ask {
  readonly queries: readonly Query[];
  /** What it tells of itself at this point, always the same names. */
  readonly measures: Readonly<Record<string, number>>;
}

/**
 * An optimiser that needs no gradient, as a coroutine: it yields the noises that it wants images of and is told what each
 * is worth; higher is better.
 */
export type NoiseSearch = globalThis.Generator<Ask, void, readonly number[]>;
