import '@tensorflow/tfjs-backend-cpu';
import { beforeAll, describe, expect, it } from 'vitest';
import * as tf from '../../../../nodes/ml/tf.ts';
import type { Family } from '../../../../nodes/ml/verify/family.ts';
import { compareTensor, familyOf, verifyFolder } from '../../../../nodes/ml/verify/verify.ts';
import { writeSafetensors } from '../../../../nodes/ml/weights/writeSafetensors.ts';
import { memoryFiles } from '../../../support/memoryFiles.ts';

const expected = new Map([
  ['in.x', { dtype: 'F32' as const, shape: [2, 2], values: Float32Array.of(1, 2, 3, 4) }],
  ['out.double', { dtype: 'F32' as const, shape: [2, 2], values: Float32Array.of(2, 4, 6, 8) }],
  ['out.sum', { dtype: 'F32' as const, shape: [], values: Float32Array.of(10) }],
]);
const table = [
  { name: 'in.x', dtype: 'float32', shape: [2, 2], description: '' },
  { name: 'out.double', dtype: 'float32', shape: [2, 2], description: '', rtol: 1e-4, atol: 1e-4 },
  { name: 'out.sum', dtype: 'float32', shape: [], description: '', rtol: 1e-4, atol: 1e-3 },
];

function folder(rows: unknown = table) {
  return memoryFiles({
    'sets/doubling-b/case.json': '{}',
    'sets/doubling-b/tensors.json': JSON.stringify(rows),
    'sets/doubling-b/expected.safetensors': writeSafetensors(expected),
  });
}
const doubling: Family = async ({ input, output }) => {
  output(
    'out.double',
    tf.tidy(() => tf.mul(input('in.x'), 2)),
  );
  output('out.sum', [10.0005]);
};
const verify = (family: Family, rows?: unknown, toleranceFactor = 1) =>
  verifyFolder('sets/doubling-b', { files: folder(rows), families: { doubling: family }, toleranceFactor });

beforeAll(() => tf.setBackend('cpu'));

describe('verifyFolder', () => {
  it('accepts what is within tolerance and leaves no tensor behind', async () => {
    const before = tf.memory().numTensors;
    const report = await verify(doubling);
    expect(report).toMatchObject({ ok: true, family: 'doubling', problems: [] });
    expect(report.rows.map((row) => row.name)).toEqual(['out.double', 'out.sum']);
    expect(report.rows[1]?.absoluteError).toBeCloseTo(0.0005, 6);
    expect(report.rows[1]?.relativeError).toBeCloseTo(0.00005, 7);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('multiplies tolerances by the factor of the device', async () => {
    const off: Family = async (golden) => {
      await doubling(golden);
      golden.output('out.sum', [10.01]);
    };
    expect((await verify(off)).ok).toBe(false);
    expect((await verify(off, table, 10)).ok).toBe(true);
  });

  it.each<[string, string, number[], RegExp]>([
    ['NaN', 'out.sum', [Number.NaN], /NaN at element 0/],
    ['infinity', 'out.sum', [Number.POSITIVE_INFINITY], /^$/],
    ['a wrong shape', 'out.double', [2, 4, 6], /shape \[3\], expected \[2, 2\]/],
  ])('fails on %s', async (_, name, value, problem) => {
    const before = tf.memory().numTensors;
    const report = await verify(async (golden) => {
      await doubling(golden);
      golden.output(name, value);
    });
    expect(report.ok).toBe(false);
    expect(report.rows.filter((row) => !row.ok)).toHaveLength(1);
    expect(report.rows.find((row) => !row.ok)?.problem ?? '').toMatch(problem);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('fails on a tensor that is not computed', async () => {
    const report = await verify(async ({ output }) => output('out.sum', [10]));
    expect(report.rows).toMatchObject([{ ok: false, problem: 'not computed' }, { ok: true }]);
  });

  it('disposes of a tensor that is handed over twice', async () => {
    const before = tf.memory().numTensors;
    await verify(async ({ output }) => {
      output('out.double', tf.zeros([4]));
      output('out.double', tf.zeros([2, 2]));
    });
    expect(tf.memory().numTensors).toBe(before);
  });

  it('compares a variant once more, in a row and with a tolerance of its own, from the reference it may start from', async () => {
    const before = tf.memory().numTensors;
    const withVariant = (by: number) =>
      verify(async (golden) => {
        await doubling(golden);
        const reference = await golden.reference('out.double');
        const moved = tf.tidy(() => tf.add(reference, by));
        golden.output('out.double', moved, { title: 'moved', rtol: 0, atol: 0.25 });
      });
    const near = await withVariant(0.125);
    expect(near.rows.map(({ name, ok }) => [name, ok])).toEqual([
      ['out.double', true],
      ['out.double moved', true],
      ['out.sum', true],
    ]);
    expect(near.rows[1]).toMatchObject({ absoluteError: 0.125, tolerance: { absolute: 0.25, relative: 0 } });
    const far = await withVariant(0.5);
    expect(far.rows.map(({ ok }) => ok)).toEqual([true, false, true]);
    const absent = await verify(async ({ reference }) => void (await reference('out.nothing')));
    expect(absent.problems[0]).toContain('no output "out.nothing"');
    expect(tf.memory().numTensors).toBe(before);
  });

  it('allows bytes of images one step, which rounding may make', async () => {
    const header = new TextEncoder().encode('{"out.p":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}');
    const files = memoryFiles({
      'sets/bytes/case.json': '{}',
      'sets/bytes/tensors.json': JSON.stringify([{ name: 'out.p', dtype: 'uint8', shape: [2], description: '' }]),
      'sets/bytes/expected.safetensors': Uint8Array.of(header.length, 0, 0, 0, 0, 0, 0, 0, ...header, 7, 255),
    });
    const verifyBytes = (bytes: number[]) =>
      verifyFolder('sets/bytes', { files, families: { bytes: async ({ output }) => output('out.p', bytes) } });
    expect((await verifyBytes([8, 254])).ok).toBe(true);
    expect((await verifyBytes([9, 255])).ok).toBe(false);
  });

  it('reports an error of the family, still compares what it had computed, and leaks nothing', async () => {
    const before = tf.memory().numTensors;
    const report = await verify(async (golden) => {
      await doubling(golden);
      throw new Error('out of paper');
    });
    expect(report).toMatchObject({ ok: false, problems: ['out of paper'] });
    expect(report.rows.every((row) => row.ok)).toBe(true);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('fails on tensors that only one of the two files knows', async () => {
    const missing = await verify(doubling, table.slice(0, 2));
    expect(missing.rows.find((row) => row.name === 'out.sum')).toMatchObject({
      ok: false,
      problem: 'it has no row in tensors.json',
    });
    const extra = await verify(doubling, [
      ...table,
      { name: 'out.more', dtype: 'float32', shape: [], description: '' },
    ]);
    expect(extra.rows.find((row) => row.name === 'out.more')).toMatchObject({ ok: false });
  });

  it('reports an unknown family and a folder that is none', async () => {
    const unknown = await verifyFolder('sets/doubling-b', { files: folder(), families: { tripling: doubling } });
    expect(unknown).toMatchObject({ ok: false, family: undefined });
    expect(unknown.problems[0]).toMatch(/no known family.*tripling/);
    const absent = await verifyFolder('sets/none', { files: folder(), families: { doubling } });
    expect(absent.problems[0]).toMatch(/no file "sets\/none\/case.json"/);
  });
});

describe('familyOf', () => {
  const families = { 'tiny-sd': 0, 'tiny-sd15': 0, 'tiny-sd-turbo': 0 };
  it.each([
    ['/x/tiny-sd15', 'tiny-sd15'],
    ['/x/tiny-sd15-b/', 'tiny-sd15'],
    ['/x/tiny-sd-turbo_2', 'tiny-sd-turbo'],
    ['/x/tiny-sd155', undefined],
    ['/tiny-sd15/other', undefined],
  ])('%s is %s', (path, name) => expect(familyOf(path, {}, families)).toBe(name));
  it('believes case.json first', () => {
    expect(familyOf('/x/tiny-sd15', { family: 'tiny-sd' }, families)).toBe('tiny-sd');
    expect(familyOf('/x/tiny-sd15', { family: 'toString' }, families)).toBeUndefined();
  });
});

describe('compareTensor', () => {
  const exact = { absolute: 0, relative: 0 };
  it('insists on every integer but those ignored', () => {
    const expected = { shape: [2, 2], values: [1, 2, 3, 4] };
    const got = { shape: [2, 2], values: [1, 2, 3, 5] };
    expect(compareTensor('t', got, expected, exact).ok).toBe(false);
    expect(compareTensor('t', got, expected, exact, (index) => index >= 2).ok).toBe(true);
  });
  it('takes equal infinities as equal', () => {
    const values = [Number.POSITIVE_INFINITY, 1];
    expect(compareTensor('t', { shape: [2], values }, { shape: [2], values }, exact).ok).toBe(true);
  });
});
