import type { RandomStream } from '../random.ts';

/** Width of the hidden layers, of which there are three. */
const WIDTH = 256;
type Parameters = Float32Array<ArrayBuffer>;

/** Where each layer's weight [out, in], row by row, and then its bias [out], lie in one vector. */
function layOutLayers(inputs: number): { readonly from: number; readonly to: number; readonly start: number }[] {
  const widths = [inputs, WIDTH, WIDTH, WIDTH, 1];
  let start = 0;
  return widths.slice(1).map((to, i) => {
    const layer = { from: widths[i]!, to, start };
    start += to * (layer.from + 1);
    return layer;
  });
}

/**
 * A start for `expectedReward`: weights and biases uniform in +-1 / sqrt(in), the last weight of deviation sqrt(2 / (in + out)).
 * Source: arXiv 2407.19453, its code (the value model); PyTorch torch.nn.Linear, xavier_normal_.
 */
export function startValueNetwork(inputs: number, random: RandomStream): Parameters {
  const layers = layOutLayers(inputs);
  const { from, to, start } = layers.at(-1)!;
  const parameters = new Float32Array(start + to * (from + 1));
  for (const layer of layers) {
    const bound = 1 / Math.sqrt(layer.from);
    const count = layer.to * (layer.from + 1);
    for (let i = 0; i < count; i++) parameters[layer.start + i] = (random.uniform() * 2 - 1) * bound;
  }
  for (let i = 0; i < from * to; i++) parameters[start + i] = random.normal() * Math.sqrt(2 / (from + to));
  return parameters;
}

/** What each layer gives for an input x, x first; a rectifier after each but the last. */
function activations(parameters: Parameters, x: Float32Array): Float32Array[] {
  const layers = layOutLayers(x.length);
  const given = [x];
  for (const [depth, { from, to, start }] of layers.entries()) {
    const input = given.at(-1)!;
    const output = new Float32Array(to);
    for (let o = 0; o < to; o++) {
      let sum = parameters[start + to * from + o]!;
      for (let i = 0, w = start + o * from; i < from; i++, w++) sum += parameters[w]! * input[i]!;
      output[o] = depth < layers.length - 1 ? Math.max(0, sum) : sum;
    }
    given.push(output);
  }
  return given;
}

/** The reward that the network expects of a policy, its input of 2 d numbers. */
export function expectedReward(parameters: Parameters, policy: Float32Array): number {
  return activations(parameters, policy).at(-1)![0]!;
}

/** The gradient of mean over all rewards of (V(policy) - reward)^2, of the parameters' length. */
export function valueGradient(
  parameters: Parameters,
  experiences: readonly { readonly policy: Float32Array; readonly rewards: readonly number[] }[],
): Parameters {
  const gradient = new Float32Array(parameters.length);
  const count = experiences.reduce((sum, { rewards }) => sum + rewards.length, 0);
  for (const { policy, rewards } of experiences) {
    const given = activations(parameters, policy);
    const value = given.at(-1)![0]!;
    let slope: Float32Array = Float32Array.of(rewards.reduce((sum, reward) => sum + (2 * (value - reward)) / count, 0));
    for (const [depth, { from, to, start }] of [...layOutLayers(policy.length).entries()].reverse()) {
      const input = given[depth]!;
      const below = new Float32Array(from);
      for (let o = 0; o < to; o++) {
        const dy = slope[o]!;
        if (dy === 0) continue;
        gradient[start + to * from + o]! += dy;
        for (let i = 0, w = start + o * from; i < from; i++, w++) {
          gradient[w]! += dy * input[i]!;
          below[i]! += dy * parameters[w]!;
        }
      }
      slope = below.map((dx, i) => (input[i]! > 0 ? dx : 0));
    }
  }
  return gradient;
}
