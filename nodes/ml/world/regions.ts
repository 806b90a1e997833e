import { SCENE_SIZE } from './scene.ts';

/** Places of pixels in an image of the built-in world, y * 64 + x. */
export type Pixels = readonly number[];

/** Pixels beside a pixel: left, right, above, below, as far as there are any. */
export function besides(pixel: number): Pixels {
  const x = pixel % SCENE_SIZE;
  const found: number[] = [];
  if (x > 0) found.push(pixel - 1);
  if (x < SCENE_SIZE - 1) found.push(pixel + 1);
  if (pixel >= SCENE_SIZE) found.push(pixel - SCENE_SIZE);
  if (pixel < SCENE_SIZE * (SCENE_SIZE - 1)) found.push(pixel + SCENE_SIZE);
  return found;
}

/** The connected regions of equal values other than 0. */
export function regions(map: Uint8Array): Pixels[] {
  const seen = new Uint8Array(map.length);
  const found: number[][] = [];
  for (let start = 0; start < map.length; start++) {
    if (map[start] === 0 || seen[start]) continue;
    const region = [start];
    seen[start] = 1;
    for (let i = 0; i < region.length; i++)
      for (const next of besides(region[i]!))
        if (!seen[next] && map[next] === map[start]) {
          seen[next] = 1;
          region.push(next);
        }
    found.push(region);
  }
  return found;
}
