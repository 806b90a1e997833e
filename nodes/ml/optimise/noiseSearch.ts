/** Noise that a search wants to have scored. */
export interface Query {
  /** d standard normal numbers or something near, in the order of latents [h, w, c]. */
  readonly noise: Float32Array<ArrayBuffer>;
  /** Stochastic samplers draw their further noise from it. */
  readonly seed: number;
}

/** What a search asks for next. */
export interface Ask {
  readonly queries: readonly Query[];
  /** Figures about the search at this point, always under the same names. */
  readonly measures: Readonly<Record<string, number>>;
  /** A sentence for people about what was answered before. */
  readonly remark?: string;
}

/**
 * An optimiser that needs no gradient, as a coroutine: it yields noises to draw images from and is sent the total
 * score of each; higher is better.
 */
export type NoiseSearch = globalThis.Generator<Ask, void, readonly number[]>;
