import { beforeAll, describe, expect, it } from 'vitest';
import { addTextTimeEmbeddingShapes, textTimeEmbedding } from '../../../../nodes/ml/models/textTimeEmbedding.ts';
import type { Shapes } from '../../../../nodes/ml/models/unetBlocks.ts';
import * as tf from '../../../../nodes/ml/tf.ts';
import { guardLeaks, openTestDevice } from '../../../support/devices.ts';
import { randomWeights } from '../../../support/randomWeights.ts';

type Matrix = number[][];

/** Written out in plain numbers, head by head. */
function inPlainNumbers(tokens: Matrix, value: (name: string) => number[] | Matrix, heads: number): number[] {
  const vector = (name: string) => value(name) as number[];
  const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, i) => sum + x * b[i]!, 0);
  const norm = (x: number[], name: string) => {
    const mean = x.reduce((sum, each) => sum + each, 0) / x.length;
    const variance = x.reduce((sum, each) => sum + (each - mean) ** 2, 0) / x.length;
    const [scale, offset] = [vector(`${name}.weight`), vector(`${name}.bias`)];
    return x.map((each, i) => ((each - mean) / Math.sqrt(variance + 1e-5)) * scale[i]! + offset[i]!);
  };
  const apply = (x: number[], name: string) =>
    (value(`${name}.weight`) as Matrix).map((row, i) => dot(row, x) + vector(`${name}.bias`)[i]!);
  const normal = tokens.map((token) => norm(token, 'norm1'));
  const position = (value('pool.positional_embedding') as Matrix)[0]!;
  const asked = normal[0]!.map(
    (_, i) => normal.reduce((sum, token) => sum + token[i]!, 0) / normal.length + position[i]!,
  );
  const q = apply(asked, 'pool.q_proj');
  const rows = [asked, ...normal].map((x) => ({ k: apply(x, 'pool.k_proj'), v: apply(x, 'pool.v_proj') }));
  const width = asked.length / heads;
  const pooled = Array.from({ length: heads }, (_, head) => {
    const part = (x: number[]) => x.slice(head * width, (head + 1) * width);
    const weights = rows.map(({ k }) => Math.exp(dot(part(q), part(k)) / Math.sqrt(width)));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return part(asked).map((_, i) => rows.reduce((sum, { v }, j) => sum + (weights[j]! / total) * part(v)[i]!, 0));
  }).flat();
  return norm(apply(pooled, 'proj'), 'norm2');
}

describe('textTimeEmbedding', () => {
  beforeAll(openTestDevice);
  guardLeaks();

  it('is what diffusers describes, written out in plain numbers', async () => {
    const shapes: Shapes = new Map();
    addTextTimeEmbeddingShapes(shapes, 'add_embedding', { contextWidth: 6, timeWidth: 8, heads: 2 });
    const { tensors, weights } = randomWeights(shapes);
    const context = tf.randomNormal([2, 5, 6], 0, 1, 'float32', 3) as tf.Tensor3D;
    const got = tf.tidy(() => textTimeEmbedding(context, weights.at('add_embedding'), 2));
    const values = new Map<string, number[] | Matrix>();
    for (const [name, tensor] of tensors) values.set(name, (await tensor.array()) as number[] | Matrix);
    const tokens = (await context.array()) as Matrix[];
    for (const [i, row] of ((await got.array()) as Matrix).entries()) {
      const expected = inPlainNumbers(tokens[i]!, (name) => values.get(`add_embedding.${name}`)!, 2);
      for (const [j, value] of row.entries()) expect(value).toBeCloseTo(expected[j]!, 4);
    }
    tf.dispose([...tensors.values(), context, got]);
  });
});
