import { unzipSync, zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { readNpz, writeNpz } from '../../../../nodes/ml/weights/npz.ts';

const MANY = 2 ** 20;
const values = Float32Array.from({ length: 6 }, (_, i) => i / 2 - 1);

/** A .npy file with any header. */
function npy(header: string, content: Uint8Array, version = 1): Uint8Array {
  const text = new TextEncoder().encode(header);
  const length = version === 1 ? [text.length % 256, text.length >> 8] : [text.length % 256, text.length >> 8, 0, 0];
  return Uint8Array.from([0x93, ...new TextEncoder().encode('NUMPY'), version, 0, ...length, ...text, ...content]);
}
const bytesOf = (array: Float32Array | Float64Array) => new Uint8Array(array.buffer);
const read = (files: Record<string, Uint8Array>, most = MANY) => readNpz(zipSync(files), 'a.npz', most);

describe('arrays of numpy', () => {
  it('are read as they were written, whatever their shape', () => {
    const shapes = [[2, 3], [6], [1, 2, 1, 3]];
    for (const shape of shapes) {
      const written = writeNpz({ l: { shape, values }, s: { shape, values: values.map((x) => -x) } });
      const arrays = readNpz(written, 'a.npz', MANY);
      expect(arrays.get('l')).toEqual({ shape, values });
      expect(arrays.get('s')!.values[5]).toBe(-1.5);
    }
  });

  it('have a header of numpy: aligned to 64 bytes, with an end of line', () => {
    const [start, end] = [10, 128];
    const file = Object.values(unzipSync(writeNpz({ l: { shape: [6], values } })))[0]!;
    expect((file.length - values.byteLength) % 64).toBe(0);
    expect(new TextDecoder().decode(file.subarray(start, end))).toMatch(
      /^\{'descr': '<f4', 'fortran_order': False, 'shape': \(6,\), \} *\n$/,
    );
  });

  it('of 64 bits and of the second version of the format are read', () => {
    const header = "{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }\n";
    expect(read({ 'l.npy': npy(header, bytesOf(Float64Array.of(1 / 3, 2)), 2) }).get('l')).toEqual({
      shape: [2],
      values: Float64Array.of(1 / 3, 2),
    });
  });

  it.each([
    ['another type', "{'descr': '<i4', 'fortran_order': False, 'shape': (6,), }", values],
    ['objects', "{'descr': '|O', 'fortran_order': False, 'shape': (6,), }", values],
    ['columns first', "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }", values],
    ['a shape of more', "{'descr': '<f4', 'fortran_order': False, 'shape': (7,), }", values],
    ['an impossible shape', "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999, 99999999, 9), }", values],
    ['no shape', "{'descr': '<f4', 'fortran_order': False}", values],
  ])('with %s are refused', (_, header, content) => {
    expect(() => read({ 'l.npy': npy(header, bytesOf(content)) })).toThrow(/"a.npz\/l.npy" cannot be read/);
  });

  it('that are none, cut short or too large are refused', () => {
    expect(() => readNpz(Uint8Array.of(1, 2, 3), 'a.npz', MANY)).toThrow(
      '"a.npz" cannot be read: it is no zip archive',
    );
    expect(() => read({ 'l.npy': Uint8Array.of(1, 2) })).toThrow('it is no array of numpy');
    const whole = writeNpz({ l: { shape: [6], values } });
    expect(() => readNpz(whole.subarray(0, whole.length / 2), 'a.npz', MANY)).toThrow('cannot be read');
    expect(() => readNpz(writeNpz({ l: { shape: [6], values } }), 'a.npz', 100)).toThrow(
      expect.objectContaining({ code: 'TOO_LARGE' }),
    );
  });

  it('in a zip64 archive are refused, whose number of entries nothing bounds', () => {
    const whole = writeNpz({ l: { shape: [6], values } });
    const end = whole.length - 22;
    const directory = new DataView(whole.buffer, whole.byteOffset).getUint32(end + 16, true);
    const record = new DataView(new ArrayBuffer(56));
    record.setUint32(0, 0x06064b50, true);
    record.setBigUint64(32, 1n, true);
    record.setBigUint64(48, BigInt(directory), true);
    const locator = new DataView(new ArrayBuffer(20));
    locator.setUint32(0, 0x07064b50, true);
    locator.setBigUint64(8, BigInt(end), true);
    const parts = [whole.subarray(0, end), new Uint8Array(record.buffer), new Uint8Array(locator.buffer)];
    const bytes = Uint8Array.from([...parts, whole.subarray(end)].flatMap((part) => [...part]));
    expect(() => readNpz(bytes, 'a.npz', MANY)).toThrow('"a.npz" cannot be read: it is a zip64 archive');
  });
});
