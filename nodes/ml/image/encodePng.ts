import { encode } from 'fast-png';
import { addPngText } from './pngText.ts';

export interface RgbImage {
  readonly width: number;
  readonly height: number;
  /** height * width * 3 bytes, row by row. */
  readonly rgb: Uint8Array;
}

/** An 8-bit RGB PNG with the given texts in it (keyword -> text, see `addPngText`). */
export function encodePng({ width, height, rgb }: RgbImage, texts: Readonly<Record<string, string>> = {}): Uint8Array {
  return addPngText(encode({ width, height, data: rgb, channels: 3, depth: 8 }), texts);
}

/** Pixel values in [0, 1] (clamped), H * W * 3 of them -> bytes, to the nearest: round(255 v). */
export function toBytes(pixels: Float32Array): Uint8Array {
  const bytes = new Uint8Array(pixels.length);
  for (let i = 0; i < pixels.length; i++) bytes[i] = Math.round(255 * Math.min(1, Math.max(0, pixels[i] ?? 0)));
  return bytes;
}
