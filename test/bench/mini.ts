import { parseArgs } from 'node:util';
import { mini, rewardFolder, writeRandomModel } from './speed/randomModel.ts';

/*
 * Writes the model that the benchmarks of speed measure on by default, so that other programs can be measured on the same:
 * a Stable Diffusion of random weights in diffusers' layout, and a CLIP in transformers' in the folder `clip` below it.
 *
 *   npm run bench -- mini --out FOLDER
 */
const { out } = parseArgs({ options: { out: { type: 'string' } } }).values;
if (!out) {
  console.error('Say where to: npm run bench -- mini --out FOLDER');
  process.exitCode = 2;
} else {
  const parts = await writeRandomModel(out, mini);
  console.log(`Wrote ${out}, and in its folder "${rewardFolder}" a CLIP to judge it:`);
  for (const [part, count] of Object.entries(parts))
    console.log(`  ${part.padEnd(14)}${(count / 1e6).toFixed(1)} million parameters`);
}
