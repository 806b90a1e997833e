import { composition } from './merit.ts';
import type { Scene } from './scene.ts';
import { backgrounds, colours } from './words.ts';

/** The distance in sRGB, of 0..255 a channel, from which on a colour stands out fully. */
const CLEAR_DISTANCE = 200;

/**
 * The rule by which the built-in aesthetic head was taught, in [1, 10]: 1 + 3 (contrast + composition + crispness), each
 * in [0, 1]: the mean distance of the objects' colours from the background's, up to `clearDistance`; large and centred, see
 * `composition`; 1 - the severity of what spoiled the image, see `blemish`. It knows no prompt.
 */
export function appeal(scene: Scene, severity: number): number {
  const ground = backgrounds[scene.background];
  const contrasts = scene.objects.map(({ colour }) => {
    const [r, g, b] = colours[colour].map((value, channel) => value - ground[channel]!) as [number, number, number];
    return Math.min(1, Math.sqrt(r * r + g * g + b * b) / CLEAR_DISTANCE);
  });
  const contrast = contrasts.reduce((sum, value) => sum + value, 0) / contrasts.length;
  return 1 + 3 * (contrast + composition(scene) + 1 - severity);
}
