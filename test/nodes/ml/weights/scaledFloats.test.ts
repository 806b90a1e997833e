import { beforeAll, describe, expect, it } from 'vitest';
import { float8Values } from '../../../../nodes/ml/weights/float8.ts';
import { loadWeights } from '../../../../nodes/ml/weights/loadWeights.ts';
import { openWhole } from '../../../../nodes/ml/weights/wholeFile.ts';
import { guardLeaks, openTestDevice } from '../../../support/devices.ts';
import { memoryFiles } from '../../../support/memoryFiles.ts';

beforeAll(async () => void (await openTestDevice()));
guardLeaks();

interface Stored {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}
const floats = (shape: readonly number[], ...values: number[]): Stored => ({
  dtype: 'F32',
  shape,
  bytes: new Uint8Array(Float32Array.from(values).buffer),
});
const eights = (shape: readonly number[], ...bits: number[]): Stored => ({
  dtype: 'F8_E4M3',
  shape,
  bytes: Uint8Array.from(bits),
});
const note = (text: string): Stored => {
  const bytes = new TextEncoder().encode(text);
  return { dtype: 'U8', shape: [bytes.length], bytes };
};

/** A safetensors file of any tensors. */
function fileOf(tensors: Readonly<Record<string, Stored>>, metadata?: Readonly<Record<string, string>>): Uint8Array {
  let end = 0;
  const entries = Object.entries(tensors).map(([name, { dtype, shape, bytes }]) => {
    end += bytes.length;
    return [name, { dtype, shape, data_offsets: [end - bytes.length, end] }] as const;
  });
  const header = { ...(metadata && { __metadata__: metadata }), ...Object.fromEntries(entries) };
  const text = new TextEncoder().encode(JSON.stringify(header));
  const length = new Uint8Array(new BigUint64Array([BigInt(text.length)]).buffer);
  return Uint8Array.from([...length, ...text, ...Object.values(tensors).flatMap(({ bytes }) => [...bytes])]);
}
const open = (tensors: Readonly<Record<string, Stored>>, metadata?: Readonly<Record<string, string>>) =>
  openWhole(memoryFiles({ 'a.safetensors': fileOf(tensors, metadata) }), 'a.safetensors');

const bits = [0x38, 0xb4, 0x01, 0x7e]; // 1, -0.75, 2^-9, 448
const numbers = bits.map((each) => float8Values.float8_e4m3fn[each]!);
const weight = eights([2, 2], ...bits);

describe('weights of scaled 8-bit floats', () => {
  it.each([
    ["ComfyUI's older names", { 'x.scale_weight': floats([], 0.5), 'x.scale_input': floats([], 1), scaled_fp8: eights([2], 0, 0) }],
    ['a scale of one element', { 'x.scale_weight': floats([1], 0.5), 'model.diffusion_model.scaled_fp8': eights([0]) }],
    ["ComfyUI's newer names", { 'x.weight_scale': floats([], 0.5), 'x.input_scale': floats([], 2), 'x.comfy_quant': note('{"format": "float8_e4m3fn"}') }],
  ])('are multiplied: %s', async (_, beside) => {
    const file = await open({ 'x.weight': weight, 'x.bias': floats([2], 3, 4), ...beside });
    expect(file.names()).toEqual(['x.weight', 'x.bias']);
    expect(Object.keys(beside).filter((name) => file.has(name))).toEqual([]);
    const weights = await loadWeights(file);
    expect(await weights.get('x.weight')!.data()).toEqual(Float32Array.from(numbers, (each) => 0.5 * each));
    expect(await weights.get('x.bias')!.data()).toEqual(Float32Array.of(3, 4));
    expect(file.unknown()).toEqual([]);
    for (const tensor of weights.values()) tensor.dispose();
  }); // biome-ignore format: a table

  it('are multiplied row by row', async () => {
    const file = await open({ 'x.weight': weight, 'x.weight_scale': floats([2, 1], 0.5, 4) });
    const [a, b, c, d] = numbers as [number, number, number, number];
    expect(await file.read('x.weight')).toEqual(Float32Array.of(0.5 * a, 0.5 * b, 4 * c, 4 * d));
  });

  it('are refused where a scale is no finite number', async () => {
    for (const scale of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const file = await open({ 'x.weight': weight, 'x.weight_scale': floats([2], 1, scale) });
      await expect(file.read('x.weight')).rejects.toMatchObject({
        code: 'BAD_CHECKPOINT',
        message: expect.stringContaining(`"x.weight_scale" holds ${scale}`),
      });
    }
  });

  it.each<[string, Record<string, Stored>, Record<string, string> | undefined, string]>([
    ['another format', { 'x.weight': weight, 'x.weight_scale': floats([], 1) }, { _quantization_metadata: '{"layers": {"x": {"format": "int8_blockwise"}}}' }, 'UNSUPPORTED'],
    ['another format in a note', { 'x.weight': weight, 'x.comfy_quant': note('{"format": "nvfp4"}') }, undefined, 'UNSUPPORTED'],
    ['scales of scales', { 'x.weight': weight, 'x.weight_scale_2': floats([], 1) }, undefined, 'UNSUPPORTED'],
    ['whole numbers', { 'x.weight': note('abcd'), 'x.weight_scale': floats([], 1) }, undefined, 'UNSUPPORTED'],
    ['a note that is no JSON', { 'x.weight': weight, 'x.comfy_quant': note('{') }, undefined, 'BAD_CHECKPOINT'],
    ['a note of whole numbers of 64 bits', { 'x.weight': weight, 'x.comfy_quant': { dtype: 'I64', shape: [1], bytes: new Uint8Array(8) } }, undefined, 'BAD_CHECKPOINT'],
    ['a note that is too long', { 'x.weight': weight, 'x.comfy_quant': note(`{"format": "nvfp4"}${' '.repeat(4096)}`) }, undefined, 'BAD_CHECKPOINT'],
    ['a scale of nothing', { 'x.weight': weight, 'y.scale_weight': floats([], 1) }, undefined, 'BAD_CHECKPOINT'],
    ['scales by blocks', { 'x.weight': weight, 'x.weight_scale': floats([3], 1, 1, 1) }, undefined, 'BAD_CHECKPOINT'],
    ['two scales', { 'x.weight': weight, 'x.weight_scale': floats([], 1), 'x.scale_weight': floats([], 1) }, undefined, 'BAD_CHECKPOINT'],
  ])('are refused with %s', async (_, tensors, metadata, code) => {
    await expect(open(tensors, metadata)).rejects.toMatchObject({ code, message: expect.stringContaining('a.safetensors') });
  }); // biome-ignore format: a table
});
