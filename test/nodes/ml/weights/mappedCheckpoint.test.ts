import { expect, it } from 'vitest';
import { mappedCheckpoint, stateDict } from '../../../../nodes/ml/weights/mappedCheckpoint.ts';
import { openSafetensors } from '../../../../nodes/ml/weights/safetensors.ts';
import { writeSafetensors } from '../../../../nodes/ml/weights/writeSafetensors.ts';
import { memoryFiles } from '../../../support/memoryFiles.ts';

async function fileOf(names: readonly string[], shape: readonly number[]) {
  const values = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i);
  const bytes = writeSafetensors(new Map(names.map((name) => [name, { dtype: 'F32' as const, shape, values }])));
  return openSafetensors(memoryFiles({ 'x.safetensors': bytes }), 'x.safetensors');
}

it('gives parts, transposes and squeezed matrices under new names', async () => {
  const file = await fileOf(['stack', 'kernel'], [3, 2, 1, 1]);
  const flat = await fileOf(['matrix'], [3, 2]);
  const view = mappedCheckpoint(
    file,
    new Map([
      ['second', { name: 'stack', part: { index: 1, of: 3 } }],
      ['dense', { name: 'kernel', squeezed: true }],
    ]),
  );
  expect(view.names()).toEqual(['second', 'dense']);
  expect([view.has('second'), view.has('stack')]).toEqual([true, false]);
  expect(view.entry('second')).toEqual({ dtype: 'float32', shape: [1, 2, 1, 1], bytes: 8 });
  expect([...(await view.read('second'))]).toEqual([2, 3]);
  expect(view.entry('dense').shape).toEqual([3, 2]);
  expect([...(await view.read('dense'))]).toEqual([0, 1, 2, 3, 4, 5]);
  const turned = mappedCheckpoint(flat, new Map([['turned', { name: 'matrix', transposed: true }]]));
  expect(turned.entry('turned').shape).toEqual([2, 3]);
  expect([...(await turned.read('turned'))]).toEqual([0, 2, 4, 1, 3, 5]);
  await expect(view.read('stack')).rejects.toThrow('"x.safetensors" has no tensor "stack"');
});

it('looks into the state_dict of a trainer, and leaves other files alone', async () => {
  const saved = stateDict(await fileOf(['state_dict/a.weight', 'optimizer/0'], [2]));
  expect(saved.names()).toEqual(['a.weight']);
  expect([...(await saved.read('a.weight'))]).toEqual([0, 1]);
  const compiled = stateDict(await fileOf(['_orig_mod.a.weight', 'b._orig_mod.c._orig_mod.d'], [2]));
  expect([...compiled.names()].sort()).toEqual(['a.weight', 'b.c.d']);
  expect([...(await compiled.read('b.c.d'))]).toEqual([0, 1]);
  const twice = await fileOf(['a.weight', '_orig_mod.a.weight'], [2]); // neither counts more
  expect(stateDict(twice)).toBe(twice);
  const plain = await fileOf(['a.weight'], [2]);
  expect(stateDict(plain)).toBe(plain);
});
