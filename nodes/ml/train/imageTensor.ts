import { tensor4d } from '../tf.ts';
import { SCENE_SIZE } from '../world/scene.ts';

/** Images of 64 x 64 x 3 values as one tensor [N, 64, 64, 3], which the caller owns. */
export function imageTensor(images: readonly Float32Array[]) {
  const values = new Float32Array(images.length * SCENE_SIZE * SCENE_SIZE * 3);
  for (const [i, image] of images.entries()) values.set(image, i * image.length);
  return tensor4d(values, [images.length, SCENE_SIZE, SCENE_SIZE, 3]);
}
