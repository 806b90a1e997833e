import { worldBasis } from '../../nodes/ml/train/textToImageTraining.ts';
import { shapes } from '../../nodes/ml/world/words.ts';
import { degradations, judgeAll, truthImages } from '../support/truthImages.ts';

/**
 * How right the exact judge is: rendered truth images of all six tasks, clean and degraded, against their own caption
 * (which must be judged right) and against a false one of the same task (which must not). Exits 1 where a goal is missed.
 */
const count = 2000;
const images = truthImages(count, 20_231);
const goals: Record<string, { readonly own: number; readonly wrong: number }> = {
  none: { own: 0.995, wrong: 0.005 },
};
const degraded = { own: 0.97, wrong: 0.005 };

console.log(`${count} images       own caption  wrong caption  least and 1 % confidence  ms an image`);
let met = true;
for (const [name, degrade] of Object.entries(degradations(worldBasis(1, 400)))) {
  const start = performance.now();
  const { own, wrong, failures, slips, confusion, confidences } = judgeAll(images, degrade);
  const ms = (performance.now() - start) / count;
  const goal = goals[name] ?? degraded;
  const ok = own >= goal.own && wrong <= goal.wrong;
  met &&= ok;
  const quantile = (q: number) => (confidences[Math.floor(q * confidences.length)] ?? 0).toFixed(3);
  console.log(
    `${ok ? 'ok  ' : 'FAIL'} ${name.padEnd(12)} ${(own * 100).toFixed(2).padStart(8)} %  ${(wrong * 100).toFixed(2).padStart(10)} %  ${quantile(0).padStart(12)} ${quantile(0.01)}  ${ms.toFixed(1).padStart(16)}`,
  );
  for (const shape of shapes) {
    const row = confusion[shape] ?? {};
    if (Object.keys(row).some((seen) => seen !== shape)) console.log(`       ${shape} seen as ${JSON.stringify(row)}`);
  }
  for (const line of [...failures.slice(0, 8), ...slips.slice(0, 4)]) console.log(`       ${line}`);
}
process.exitCode = met ? 0 : 1;
