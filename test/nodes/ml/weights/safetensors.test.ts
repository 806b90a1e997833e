import { describe, expect, it } from 'vitest';
import { openCheckpoint } from '../../../../nodes/ml/weights/openCheckpoint.ts';
import { memoryFiles } from '../../../support/memoryFiles.ts';

function safetensors(header: object, data: number): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + data);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

describe('a header of safetensors', () => {
  it.each([
    ['offsets that are longer than the shape', { dtype: 'F32', shape: [1], data_offsets: [0, 8] }, 4],
    ['offsets that are shorter than the shape', { dtype: 'F32', shape: [2], data_offsets: [0, 4] }, 8],
    ['offsets before the data', { dtype: 'F32', shape: [1], data_offsets: [-4, 0] }, 4],
    ['a gap before the first tensor', { dtype: 'F32', shape: [1], data_offsets: [4, 8] }, 8],
    ['data that belong to no tensor', { dtype: 'F32', shape: [1], data_offsets: [0, 4] }, 8],
  ])('is refused with %s', async (_title, tensor, data) => {
    const files = memoryFiles({ 'm.safetensors': safetensors({ a: tensor }, data) });
    await expect(openCheckpoint(files, 'm.safetensors')).rejects.toMatchObject({ code: 'BAD_CHECKPOINT' });
  });
});
