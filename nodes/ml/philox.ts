import type { NoiseSource } from './random.ts';

const multipliers = [0xd2511f53, 0xcd9e8d57] as const;
const weyl = [0x9e3779b9, 0xbb67ae85] as const;
const ROUNDS = 10;

/** 2^-32 and 2 pi 2^-32 as the float32 constants of CUDA. */
const unit = Math.fround(2.3283064e-10);
const turn = Math.fround(2.3283064e-10 * 6.2831855);

/**
 * Successive draws are those of `torch.randn(size, device='cuda')` after `torch.manual_seed(seed)`, as stable-diffusion-webui
 * imitates them (RNG: NV): number i of draw k is Box and Muller's first from the words of counter (k, 0, i, 0). It holds for
 * draws that one wave of a GPU's threads makes, as latents of an image are.
 * Source: Salmon et al. 2011, doi 10.1145/2063384.2063405 (Philox 4x32-10); stable-diffusion-webui, modules/rng_philox.py
 */
export function philoxSource(seed: number): NoiseSource {
  const key = [seed % 2 ** 32, Math.floor(seed / 2 ** 32)] as const;
  let draw = 0;
  return (size) => {
    const values = new Float32Array(size);
    for (let i = 0; i < size; i++) {
      const [a, b] = philox([draw, 0, i, 0], key);
      const radius = Math.sqrt(-2 * Math.log(a * unit + unit / 2));
      values[i] = radius * Math.sin(b * turn + turn / 2);
    }
    draw++;
    return values;
  };
}

type Words = readonly [number, number, number, number];

/** Ten rounds of Philox 4x32 over a counter: four unsigned 32-bit numbers. */
export function philox(counter: Words, [key0, key1]: readonly [number, number]): Words {
  let [a, b, c, d] = counter;
  let [k0, k1] = [key0, key1];
  for (let round = 0; round < ROUNDS; round++) {
    const [high0, low0] = multiplyWords(a, multipliers[0]);
    const [high1, low1] = multiplyWords(c, multipliers[1]);
    [a, b, c, d] = [(high1 ^ b ^ k0) >>> 0, low1, (high0 ^ d ^ k1) >>> 0, low0];
    k0 = (k0 + weyl[0]) >>> 0;
    k1 = (k1 + weyl[1]) >>> 0;
  }
  return [a, b, c, d];
}

/** The high and the low 32 bits of a product. */
function multiplyWords(a: number, b: number): [high: number, low: number] {
  const [aHigh, aLow, bHigh, bLow] = [a >>> 16, a & 0xffff, b >>> 16, b & 0xffff];
  const low = aLow * bLow;
  const middle = aHigh * bLow + Math.floor(low / 65536); // below 2^32
  const carry = aLow * bHigh + (middle % 65536);
  const high = aHigh * bHigh + Math.floor(middle / 65536) + Math.floor(carry / 65536);
  return [high >>> 0, Math.imul(a, b) >>> 0];
}
