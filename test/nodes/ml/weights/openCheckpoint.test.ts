import { zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { openCheckpoint } from '../../../../nodes/ml/weights/openCheckpoint.ts';
import { writeSafetensors } from '../../../../nodes/ml/weights/writeSafetensors.ts';
import { diskFiles, goldenFolder } from '../../../support/golden.ts';
import { memoryFiles } from '../../../support/memoryFiles.ts';

const tensors = writeSafetensors(new Map([['a', { dtype: 'F32', shape: [1], values: Float32Array.of(7) }]]));
const html = `<!DOCTYPE html><html><head><title>Sign in</title></head><body>${'x'.repeat(400)}</body></html>`;
const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 4265380512\n`;
const endings = ['safetensors', 'ckpt', 'pth', 'bin', 'SAFETENSORS', 'sft'];

describe('the content of a file says what it is, whatever its ending', () => {
  it.each(endings)('safetensors inside .%s', async (ending) => {
    const file = await openCheckpoint(memoryFiles({ [`m.${ending}`]: tensors }), `m.${ending}`);
    expect(await file.read('a')).toEqual(Float32Array.of(7));
  });

  it('safetensors whose length starts as torch files do', async () => {
    for (let more = 0; more < 256; more++) {
      const bytes = writeSafetensors(new Map([['a', { dtype: 'F32', shape: [1], values: Float32Array.of(7) }]]), {
        more: 'x'.repeat(more),
      });
      expect((await openCheckpoint(memoryFiles({ 'm.ckpt': bytes }), 'm.ckpt')).names(), String(bytes[0])).toEqual([
        'a',
      ]);
    }
  });

  it.each(endings)('torch inside .%s', async (ending) => {
    const bytes = await diskFiles.read(`${goldenFolder('aesthetic')}/real/ava+logos-l14-linearMSE.pth`);
    const file = await openCheckpoint(memoryFiles({ [`m.${ending}`]: bytes }), `m.${ending}`);
    expect(file.names()).toContain('layers.0.weight');
  });

  it.each(
    endings.flatMap((ending): [string, string | Uint8Array, RegExp][] => [
      [ending, html, /it is a web page, not the file itself/],
      [ending, `  \n<html lang="en">${html}`, /it is a web page/],
      [ending, '<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', /it is a web page/],
      [ending, pointer, /it is a git LFS pointer/],
      [ending, '', /it is empty/],
      [ending, new Uint8Array(4096), /it starts with zeros only: it was not downloaded to the end/],
      [ending, 'Entry not found', /it is a text, not the file itself: "Entry not found"/],
      [ending, '{"error":"Access to model is restricted"}', /it is JSON, .* and holds no weights/],
      [ending, `GGUF${'\u0003'.repeat(60)}`, /it is a GGUF file/],
      [ending, Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0, 0), /it is an image/],
      [ending, Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3), /it is a gzip archive/],
    ]),
  )('.%s: %o', async (ending, content, message) => {
    const name = `m.${ending}`;
    await expect(openCheckpoint(memoryFiles({ [name]: content }), name)).rejects.toMatchObject({
      code: 'BAD_CHECKPOINT',
      message: expect.stringMatching(message),
    });
  });

  it('a file that was cut off says so', async () => {
    const cut = tensors.slice(0, -2);
    await expect(openCheckpoint(memoryFiles({ 'm.ckpt': cut }), 'm.ckpt')).rejects.toThrow(/not downloaded to the end/);
    const zip = zipSync({ 'a/data.pkl': new Uint8Array(200) }).slice(0, 100);
    await expect(openCheckpoint(memoryFiles({ 'm.pt': zip }), 'm.pt')).rejects.toMatchObject({
      code: 'BAD_CHECKPOINT',
    });
  });
});
