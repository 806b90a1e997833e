import { beforeAll, describe, expect, it } from 'vitest';
import { clipText, clipTextConfig, clipTextShapes } from '../../../../nodes/ml/models/clipText.ts';
import { randomStream } from '../../../../nodes/ml/random.ts';
import { dispose, grad, mul, randomNormal, sum, type Tensor, tensor, tidy } from '../../../../nodes/ml/tf.ts';
import { weightsOf } from '../../../../nodes/ml/weights/weights.ts';
import { guardLeaks, openTestDevice } from '../../../support/devices.ts';

beforeAll(async () => {
  await openTestDevice();
});
guardLeaks();

const json = {
  vocab_size: 11,
  hidden_size: 8,
  intermediate_size: 12,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  max_position_embeddings: 6,
  projection_dim: 5,
  eos_token_id: 2,
};

function withModel(changes: object, use: (encode: ReturnType<typeof clipText>, tensors: Map<string, Tensor>) => void) {
  const config = clipTextConfig({ ...json, ...changes });
  const random = randomStream(3);
  const tensors = new Map(
    [...clipTextShapes(config)].map(([name, shape]) => [
      name,
      tensor(Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, random.normal), [...shape]),
    ]),
  );
  tidy(() => {
    use(clipText(weightsOf(tensors), config), tensors);
  });
  dispose([...tensors.values()]);
}
const valuesOf = (x: Tensor) => [...x.dataSync()];

describe('clipText', () => {
  it('a token sees itself and what came before', () =>
    withModel({}, (encode) => {
      const [a, b] = [
        [1, 5, 3, 10, 0, 0],
        [1, 5, 3, 10, 7, 2],
      ].map((ids) => valuesOf(encode([ids]).lastHiddenState));
      const seen = 4 * json.hidden_size;
      expect(a!.slice(0, seen)).toEqual(b!.slice(0, seen));
      expect(a!.slice(seen)).not.toEqual(b!.slice(seen));
    }));

  it('pools at the first end token; configs that state 2 mean the largest id', () => {
    const rows = [
      [1, 4, 9, 3, 9, 9],
      [1, 9, 10, 3, 3, 3],
    ];
    const pooledAt = (eos_token_id: number) => {
      let places: number[] = [];
      withModel({ eos_token_id }, (encode) => {
        const { pooled, lastHiddenState } = encode(rows);
        const states = lastHiddenState.arraySync();
        places = pooled.arraySync().map((row, i) => states[i]!.findIndex((state) => state.join() === row.join()));
      });
      return places;
    };
    expect(pooledAt(9)).toEqual([2, 1]);
    expect(pooledAt(2)).toEqual([2, 2]);
  });

  it('projects the pooled state only where the architecture does', () => {
    withModel({ architectures: ['CLIPTextModelWithProjection'] }, (encode) =>
      expect(encode([[1, 10]]).textEmbeds?.shape).toEqual([1, 5]),
    );
    withModel({}, (encode) => expect(encode([[1, 10]]).textEmbeds).toBeUndefined());
  });

  it('skips layers of the last state, and takes prompts shorter than its positions', () =>
    withModel({}, (encode) => {
      const { hiddenStates, lastHiddenState } = encode([[1, 4, 10]], { skip: 1 });
      expect(hiddenStates.map(({ shape }) => shape)).toEqual(new Array(3).fill([1, 3, 8]));
      expect(valuesOf(lastHiddenState)).not.toEqual(valuesOf(encode([[1, 4, 10]]).lastHiddenState));
    }));

  it.each(['gelu', 'quick_gelu'])(
    'with %s has the gradient of its weights that finite differences give',
    (hidden_act) =>
      withModel({ hidden_act }, (encode, tensors) => {
        const name = 'text_model.encoder.layers.0.mlp.fc1.weight';
        const original = tensors.get(name)!;
        const loss = (weight: Tensor) => {
          tensors.set(name, weight);
          return sum(mul(encode([[1, 4, 10, 10]]).pooled, randomNormal([1, 8], 0, 1, 'float32', 5)));
        };
        const slope = valuesOf(grad(loss)(original));
        const values = original.dataSync();
        for (const i of [0, 17, 60]) {
          const at = (delta: number) => {
            const moved = values.slice();
            moved[i]! += delta;
            return loss(tensor(moved, original.shape)).dataSync()[0]!;
          };
          expect(slope[i]).toBeCloseTo((at(0.01) - at(-0.01)) / 0.02, 1);
        }
        tensors.set(name, original);
      }),
  );

  it('refuses configs it does not know by name and value', () => {
    expect(() => clipTextConfig({ hidden_act: 'relu' })).toThrow('"hidden_act": "relu"');
    expect(() => clipTextConfig({ hidden_size: 10, num_attention_heads: 4 })).toThrow(
      '"hidden_size" is 10, which 4 heads cannot share evenly',
    );
  });
});
