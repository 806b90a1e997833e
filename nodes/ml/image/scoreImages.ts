import type { Reward } from '../../ports.ts';
import type { Tensor4D } from '../tf.ts';

/**
 * Scores images by several rewards: values[image][reward].
 * @param pixels [N, H, W, 3] in [0, 1]; @param prompts N of them.
 */
export async function scoreImages(
  rewards: readonly Reward[],
  pixels: Tensor4D,
  prompts: readonly string[],
): Promise<number[][]> {
  const columns: ArrayLike<number>[] = [];
  for (const reward of rewards) {
    // One that reads the pixels itself does so at once, which WebGPU allows only of what was read before.
    if (!reward.differentiable) await pixels.data();
    const scores = reward.score(pixels, prompts); // [N]
    try {
      columns.push(await scores.data());
    } finally {
      scores.dispose();
    }
  }
  return prompts.map((_, row) => columns.map((column) => column[row] ?? Number.NaN));
}
