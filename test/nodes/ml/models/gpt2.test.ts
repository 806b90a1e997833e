import { beforeAll, describe, expect, it } from 'vitest';
import { type Gpt2, gpt2, gpt2Config, gpt2Shapes } from '../../../../nodes/ml/models/gpt2.ts';
import { concat, dispose, slice, type Tensor, tidy } from '../../../../nodes/ml/tf.ts';
import { expectClose } from '../../../support/closeness.ts';
import { guardLeaks, openTestDevice } from '../../../support/devices.ts';
import { randomWeights } from '../../../support/randomWeights.ts';

beforeAll(async () => {
  await openTestDevice();
});
guardLeaks();

const json = { model_type: 'gpt2', vocab_size: 11, n_positions: 8, n_embd: 12, n_layer: 3, n_head: 2, n_inner: 20 };

async function withModel(use: (model: Gpt2) => void | Promise<void>): Promise<void> {
  const { tensors, weights } = randomWeights(gpt2Shapes(gpt2Config(json)));
  try {
    await use(gpt2(weights, gpt2Config(json)));
  } finally {
    dispose([...tensors.values()]);
  }
}

describe('gpt2', () => {
  it('reads on from what it has read as if it read all at once, token by token or in pieces', () =>
    withModel((model) =>
      expectClose(() => {
        const ids = [3, 1, 4, 1, 5, 9, 2, 6];
        const whole = model.read(ids);
        return [
          [1, 1, 1, 1, 1, 1, 1, 1],
          [1, 5, 2],
          [4, 4],
        ].flatMap((lengths) => {
          let [at, past]: [number, ReturnType<Gpt2['read']>['past']] = [0, []];
          const states = lengths.map((length) => {
            const read = model.read(ids.slice(at, at + length), past);
            [at, past] = [at + length, read.past];
            return read.states;
          });
          return [
            [concat(states), whole.states, 1e-5] as const,
            [model.logits(concat(states)), model.logits(whole.states), 1e-5] as const,
            [past[2]!.keys, whole.past[2]!.keys, 1e-5] as const,
            [past[2]!.values, whole.past[2]!.values, 1e-5] as const,
          ].map(([got, expected, tolerance]): [Tensor, Tensor, number] => [got, expected, tolerance]);
        });
      }),
    ));

  it('a token sees itself and what came before, and where it stands', () =>
    withModel((model) => {
      const [a, b, moved] = tidy(() =>
        [
          [3, 1, 4, 1],
          [3, 1, 4, 9],
          [1, 1, 3, 4],
        ].map((ids) => slice(model.read(ids).states, 0, 3).arraySync()),
      ) as [number[][], number[][], number[][]];
      expect(a).toEqual(b);
      expect(moved).not.toEqual(a);
      const equalTokens = tidy(() => model.read([5, 5]).states.arraySync());
      expect(equalTokens[0]).not.toEqual(equalTokens[1]);
    }));

  it('reads no more than its window', () =>
    withModel((model) => {
      expect(() => tidy(() => void model.read(new Array(9).fill(1)))).toThrow('9 tokens for a GPT-2 of 8 positions.');
      expect(() => tidy(() => void model.read([1], model.read(new Array(8).fill(1)).past))).toThrow('9 tokens');
    }));

  it("takes transformers' defaults, and refuses configs it does not know by name and value", () => {
    expect(gpt2Config({ model_type: 'gpt2', n_inner: null })).toEqual({
      vocab_size: 50257,
      n_positions: 1024,
      n_embd: 768,
      n_layer: 12,
      n_head: 12,
      n_inner: 3072,
      layer_norm_epsilon: 1e-5,
      bos_token_id: 50256,
      eos_token_id: [50256],
    });
    expect(gpt2Config({ ...json, eos_token_id: [1, 2] }).eos_token_id).toEqual([1, 2]);
    const unsupported = (changes: object) => () => gpt2Config({ ...json, ...changes });
    expect(unsupported({ model_type: 'llama' })).toThrow(
      'This kind of text model is not supported: its config has "model_type": "llama".',
    );
    expect(unsupported({ activation_function: 'relu' })).toThrow('"activation_function": "relu"');
    expect(unsupported({ tie_word_embeddings: false })).toThrow('"tie_word_embeddings": false');
    expect(unsupported({ model_type: undefined })).toThrow('"model_type": null');
    expect(unsupported({ n_head: 5 })).toThrow('"n_embd" is 12, which 5 heads cannot share evenly');
    expect(unsupported({ n_positions: 100_000 })).toThrow('"n_positions" is 100000, and a whole number from 1 to 8192');
    expect(unsupported({ n_layer: 1e6 })).toThrow('"n_layer" is 1000000');
    expect(unsupported({ eos_token_id: 'end' })).toThrow('"eos_token_id" is "end", and the number of a token');
  });
});
