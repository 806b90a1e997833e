import { randomStream } from '../../nodes/ml/random.ts';
import { openTestDevice } from '../support/devices.ts';
import { fuzz } from '../support/fuzz.ts';
import { fuzzTargets } from '../support/fuzzTargets.ts';
import { killings } from '../support/kills.ts';

/**
 * How much spoiled content of each kind is read right or refused in a sentence: 20,000 attempts each, or `--count N`; and
 * how many processes, killed at random moments, lost nothing: 50 of each task, or `--kills N`. With the seeds from
 * `--first N`. Exits 1 and names the seeds where one failed; they belong into `test/reliability`.
 */
const option = (name: string, initial: number) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? initial : Number(process.argv[at + 1]);
};
const [count, kills, first] = [option('count', 20_000), option('kills', 50), option('first', 1)];

for (const target of fuzzTargets) {
  const began = performance.now();
  const { accepted, refused, failures } = await fuzz(target, first, count);
  const seconds = ((performance.now() - began) / 1000).toFixed(0);
  console.log(
    `${failures.length === 0 ? 'ok  ' : 'FAIL'} ${target.name.padEnd(14)} ${count} changes tried in ${seconds} s: ${accepted} read, ${refused} refused, ${failures.length} wrong`,
  );
  for (const { seed, reason } of failures.slice(0, 20)) console.log(`     seed ${seed}: ${reason}`);
  if (failures.length > 0) process.exitCode = 1;
}

await openTestDevice();
for (const { name, once } of killings) {
  const wrong: string[] = [];
  for (let seed = first; seed < first + kills; seed++)
    await once(randomStream(seed)).catch((error: Error) => wrong.push(`     seed ${seed}: ${error.message}`));
  console.log(
    `${wrong.length === 0 ? 'ok  ' : 'FAIL'} ${name.padEnd(16)} ${kills} processes killed: ${kills - wrong.length} lost nothing`,
  );
  for (const line of wrong) console.log(line);
  if (wrong.length > 0) process.exitCode = 1;
}
