import { describe, expect, it } from 'vitest';
import * as tf from '../../../../nodes/ml/tf.ts';
import type { Checkpoint } from '../../../../nodes/ml/weights/checkpoint.ts';
import { float16ToNumber } from '../../../../nodes/ml/weights/float16.ts';
import { checkpointBytes, loadWeights, requireMemory } from '../../../../nodes/ml/weights/loadWeights.ts';
import { openCheckpoint } from '../../../../nodes/ml/weights/openCheckpoint.ts';
import { toCheckpointLayout, writeSafetensors } from '../../../../nodes/ml/weights/writeSafetensors.ts';
import { describeOnDevices } from '../../../support/devices.ts';
import { diskFiles, goldenFolder } from '../../../support/golden.ts';
import { memoryFiles } from '../../../support/memoryFiles.ts';

const count = (shape: number[]) => shape.reduce((product, size) => product * size, 1);
const ramp = (shape: number[]) => Float32Array.from({ length: count(shape) }, (_, i) => i / 8);
const kernel = ramp([3, 2, 4, 5]);

/** A safetensors file of 16-bit floats by their bits. */
function fileOf(
  dtype: 'F16' | 'BF16',
  parts: readonly { name: string; shape: number[]; bits: Uint16Array }[],
): Uint8Array {
  let end = 0;
  const header = parts.map(({ name, shape, bits }) => {
    end += 2 * bits.length;
    return [name, { dtype, shape, data_offsets: [end - 2 * bits.length, end] }];
  });
  const text = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const length = new Uint8Array(BigUint64Array.of(BigInt(text.length)).buffer);
  return Uint8Array.from(
    [length, text, ...parts.map(({ bits }) => new Uint8Array(bits.buffer))].flatMap((bytes) => [...bytes]),
  );
}

/** The bits of floats, but one kind of what is no number. */
const bitsOf = (values: Float32Array): Uint32Array => {
  const same = values.map((value) => (Number.isNaN(value) ? Number.NaN : value));
  return new Uint32Array(same.buffer);
};

/** The same tensors in another shape. */
const shapedAs = (checkpoint: Checkpoint, shape: readonly number[]): Checkpoint => ({
  ...checkpoint,
  entry: (name) => ({ ...checkpoint.entry(name), shape }),
});

function open(): Promise<Checkpoint> {
  const tensors = new Map([
    ['conv.weight', { dtype: 'F16' as const, ...toCheckpointLayout(kernel, [3, 2, 4, 5]) }],
    ['linear.weight', { dtype: 'F32' as const, shape: [2, 3], values: ramp([2, 3]) }],
    ['other', { dtype: 'F32' as const, shape: [], values: Float32Array.of(7) }],
  ]);
  return openCheckpoint(memoryFiles({ 'a.safetensors': writeSafetensors(tensors) }), 'a.safetensors');
}

await describeOnDevices('loadWeights', (device) => {
  it('converts to float32, transposes kernels to HWIO, keeps the rest, selects and renames', async () => {
    const checkpoint = await open();
    const selection = {
      keep: (name: string) => name !== 'other',
      rename: (name: string) => name.replace('conv', 'conv_in'),
    };
    const before = tf.memory().numTensors;
    const weights = await loadWeights(checkpoint, selection);
    expect([...weights.keys()].sort()).toEqual(['conv_in.weight', 'linear.weight']);
    expect(weights.get('conv_in.weight')?.shape).toEqual([3, 2, 4, 5]);
    expect(await weights.get('conv_in.weight')?.data()).toEqual(kernel);
    expect(await weights.get('linear.weight')?.data()).toEqual(ramp([2, 3]));
    expect(tf.memory().numTensors).toBe(before + 2);
    expect(checkpointBytes(checkpoint, selection)).toBe(4 * (120 + 6));
    tf.dispose([...weights.values()]);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('converts every 16-bit float to the same number, at odd counts and in kernels too', async () => {
    const halves = Uint16Array.from({ length: 1 << 16 }, (_, half) => half);
    const wide = (bits: Uint16Array) =>
      Float32Array.from(bits, (half) => new DataView(Uint32Array.of(half << 16).buffer).getFloat32(0, true));
    const narrow = (bits: Uint16Array) => Float32Array.from(bits, float16ToNumber);
    const pieces = {
      all: [1 << 16],
      odd: [3, 5, 7],
      one: [1],
      scalar: [],
      kernel: [4, 2, 3, 3],
      odd_kernel: [3, 5, 3, 3],
      wide_kernel: [70, 37, 3, 3],
      point: [34, 300, 1, 1],
    };
    // a GPU may take floats below 2^-126 for 0
    const isGpu = device().name === 'webgpu';
    const readable = (all: Float32Array) => all.map((x) => (isGpu && Math.abs(x) < 2 ** -126 ? 0 * x : x));
    for (const [dtype, expected] of [
      ['F16', narrow],
      ['BF16', wide],
    ] as const) {
      const parts = Object.entries(pieces).map(([name, shape], i) => ({
        name,
        shape,
        bits: halves.slice(i, i + count(shape)),
      }));
      const weights = await loadWeights(
        await openCheckpoint(memoryFiles({ 'a.safetensors': fileOf(dtype, parts) }), 'a.safetensors'),
      );
      for (const { name, shape, bits } of parts) {
        const { values } = toCheckpointLayout(
          (await weights.get(name)?.data()) as Float32Array,
          weights.get(name)?.shape as number[],
        );
        expect(weights.get(name)?.shape, name).toEqual(
          shape.length === 4 ? [shape[2], shape[3], shape[1], shape[0]] : shape,
        );
        expect(readable(values), `${dtype} ${name}`).toEqual(readable(expected(bits)));
      }
      tf.dispose([...weights.values()]);
    }
  });

  it('converts every 8-bit float as torch does, in kernels too', async () => {
    const path = `${goldenFolder('float8')}/values.safetensors`;
    const golden = await openCheckpoint(diskFiles, path);
    for (const kind of ['e4m3fn', 'e5m2']) {
      const expected = (await golden.read(`expected.${kind}`)) as Float32Array;
      expect(golden.entry(kind)).toMatchObject({ dtype: `float8_${kind}`, shape: [256], bytes: 256 });
      expect(bitsOf((await golden.read(kind)) as Float32Array)).toEqual(bitsOf(expected));
      const [loaded, kernel] = [
        (await loadWeights(golden, { keep: (name) => name === kind })).get(kind)!,
        (await loadWeights(shapedAs(golden, [16, 4, 2, 2]), { keep: (name) => name === kind })).get(kind)!,
      ];
      expect(bitsOf((await loaded.data()) as Float32Array)).toEqual(bitsOf(expected));
      expect(kernel.shape).toEqual([2, 2, 4, 16]);
      const { values } = toCheckpointLayout((await kernel.data()) as Float32Array, kernel.shape);
      expect(bitsOf(values)).toEqual(bitsOf(expected));
      tf.dispose([loaded, kernel]);
    }
  });

  it('counts narrow floats by what the device keeps of them', () => {
    const entries = { a: 'float16', b: 'bfloat16', c: 'float8_e5m2', d: 'float32', e: 'int64' } as const;
    const checkpoint = {
      names: () => Object.keys(entries),
      entry: (name: string) => ({ dtype: entries[name as keyof typeof entries], shape: [256, 300], bytes: 0 }),
    } as unknown as Checkpoint;
    expect(checkpointBytes(checkpoint)).toBe(76800 * (device().name === 'webgpu' ? 3 * 2 + 2 * 4 : 5 * 4));
  });

  it('keeps every tensor as it was read, whatever is read after it', async () => {
    const shapes = [[1, 1, 64, 2], [1, 1, 2, 64], [70], [1], [], [8, 16], [16, 16, 1], [1, 64, 1, 1], [3, 5], [40, 40]];
    const tensors = shapes.map((shape, i) => {
      const values = Float32Array.from({ length: count(shape) }, (_, j) => 1000 * i + j);
      return [`${i}`, { dtype: 'F32' as const, ...toCheckpointLayout(values, shape), inMemory: values }] as const;
    });
    const file = writeSafetensors(new Map(tensors));
    const weights = await loadWeights(await openCheckpoint(memoryFiles({ 'a.safetensors': file }), 'a.safetensors'));
    for (const [name, { inMemory }] of tensors) expect(await weights.get(name)?.data()).toEqual(inMemory);
    tf.dispose([...weights.values()]);
  });

  it('leaves nothing after a failure, a clash of names or an abort', async () => {
    const checkpoint = await open();
    const before = tf.memory().numTensors;
    let reads = 0;
    const failing: Checkpoint = {
      ...checkpoint,
      read: (name) => (reads++ < 2 ? checkpoint.read(name) : Promise.reject(new Error('disk gone'))),
    };
    await expect(loadWeights(failing)).rejects.toThrow('disk gone');
    await expect(loadWeights(checkpoint, { rename: () => 'same' })).rejects.toMatchObject({ code: 'BAD_CHECKPOINT' });
    const controller = new AbortController();
    const aborting: Checkpoint = {
      ...checkpoint,
      read: (name) => {
        controller.abort();
        return checkpoint.read(name);
      },
    };
    await expect(loadWeights(aborting, { signal: controller.signal })).rejects.toThrow(/abort/i);
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('requireMemory', () => {
  it('names both numbers', () => {
    expect(() => requireMemory('"big"', 3 * 2 ** 30, 2 ** 30)).toThrow(/"big" needs 3.00 GiB .* 1.00 GiB are free/);
    expect(() => requireMemory('"small"', 5, 5)).not.toThrow();
  });
});
