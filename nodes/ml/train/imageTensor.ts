import { tensor4d } from '../tf.ts';
import { sceneSize } from '../world/scene.ts';

/** Images of 64 x 64 x 3 values as one tensor [N, 64, 64, 3], which the caller owns. */
export function imageTensor(images: readonly Float32Array[]) {
  const values = new Float32Array(images.length * sceneSize * sceneSize * 3);
  for (const [i, image] of images.entries()) values.set(image, i * image.length);
  return tensor4d(values, [images.length, sceneSize, sceneSize, 3]);
}
