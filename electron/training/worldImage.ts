import { encode } from 'fast-png';
import { encodePng, toBytes } from '../../nodes/ml/image/encodePng.ts';
import { randomStream } from '../../nodes/ml/random.ts';
import { drawScene } from '../../nodes/ml/world/drawScene.ts';
import { SCENE_SIZE, sampleScene } from '../../nodes/ml/world/scene.ts';
import { sceneLabels } from '../../nodes/ml/world/sceneLabels.ts';
import type { Task } from '../../nodes/ml/world/words.ts';

/**
 * An image of the built-in world drawn from a seed, as PNG files by name (the image in colour, its labels in grey), and
 * its labels as plain JSON.
 */
export function worldImage(seed: number, task: Task, name: string) {
  const scene = sampleScene(randomStream(seed), task);
  const { objects, masks, edges, depth } = sceneLabels(scene);
  const { caption, background } = scene;
  const grey = (data: Uint8Array) => encode({ width: SCENE_SIZE, height: SCENE_SIZE, data, channels: 1, depth: 8 });
  const image = { width: SCENE_SIZE, height: SCENE_SIZE, rgb: toBytes(drawScene(scene)) };
  const names = {
    file: `${name}.png`,
    masks: `${name}-masks.png`,
    edges: `${name}-edges.png`,
    depth: `${name}-depth.png`,
  };
  const files: Record<string, Uint8Array> = {
    [names.file]: encodePng(image, { Prompt: caption, Seed: String(seed) }),
    [names.masks]: grey(masks),
    [names.edges]: grey(edges.map((value) => value * 255)),
    [names.depth]: grey(toBytes(depth)),
  };
  return { files, labels: { ...names, seed, task, caption, background, objects } };
}
