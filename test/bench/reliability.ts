import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { findTestElectron } from '../../build/findTestElectron.ts';
import { gatherLicences } from '../../build/gatherLicences.ts';
import { packageFolder } from '../../electron/files/folders.ts';
import { randomStream } from '../../nodes/ml/random.ts';
import { killApplication } from '../support/appKilling.ts';
import { auditLine } from '../support/auditLine.ts';
import { openTestDevice } from '../support/devices.ts';
import { electronChecklist } from '../support/electronChecklist.ts';
import { fuzz } from '../support/fuzz.ts';
import { fuzzTargets } from '../support/fuzzTargets.ts';
import { killings } from '../support/kills.ts';

/**
 * What holds under attack and misfortune: spoiled content of each kind that is read right or refused in a sentence (20,000
 * attempts each, or `--count N`); processes killed at random moments that lost nothing (30 of each task, or `--kills N`);
 * the items of Electron's security guide; known holes in the packages. With the seeds from `--first N`, so that it goes on
 * where it was stopped; `--minutes N` ends the killing then. Exits 1 and names the seeds where one failed; they belong into
 * `test/reliability`.
 */
const option = (name: string, initial: number) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? initial : Number(process.argv[at + 1]);
};
const [count, kills, first] = [option('count', 20_000), option('kills', 30), option('first', 1)];
const deadline = performance.now() + option('minutes', Number.POSITIVE_INFINITY) * 60_000;

function tell(isOk: boolean, line: string, wrong: readonly string[] = []): void {
  console.log(`${isOk ? 'ok  ' : 'FAIL'} ${line}`);
  for (const each of wrong) console.log(`     ${each}`);
  if (!isOk) process.exitCode = 1;
}

let mutations = 0;
for (const target of count > 0 ? fuzzTargets : []) {
  const began = performance.now();
  const { accepted, refused, failures } = await fuzz(target, first, count);
  mutations += count;
  const seconds = ((performance.now() - began) / 1000).toFixed(0);
  tell(
    failures.length === 0,
    `${target.name.padEnd(14)} ${count} changes tried in ${seconds} s: ${accepted} read, ${refused} refused, ${failures.length} wrong`,
    failures.slice(0, 20).map(({ seed, reason }) => `seed ${seed}: ${reason}`),
  );
}

await openTestDevice();
const application = { name: 'the application', once: killApplication };
const killed = findTestElectron(packageFolder) ? [...killings, application] : killings;
if (kills > 0 && killed === killings)
  console.log("--   the application was not killed: run 'npm run setup:electron' first");
else if (kills > 0) spawnSync('npm', ['run', '-s', 'build'], { cwd: packageFolder, stdio: 'inherit' });
const outcomes = killed.map(({ name, once }) => ({ name, once, tried: 0, wrong: [] as string[] }));
// in turn, so that a shorter time leaves no task out
for (let seed = first; seed < first + kills && performance.now() < deadline; seed++) {
  for (const outcome of outcomes) {
    outcome.tried++;
    await outcome
      .once(randomStream(seed))
      .catch((error: Error) => outcome.wrong.push(`seed ${seed}: ${error.message}`));
  }
}
for (const { name, tried, wrong } of kills > 0 ? outcomes : [])
  tell(wrong.length === 0, `${name.padEnd(20)} ${tried} times killed: ${tried - wrong.length} lost nothing`, wrong);

const stories = [
  'run',
  '-c',
  'build/vitest.windows.config.ts',
  'test/e2e/electronChecklist.test.ts',
  '--reporter=json',
];
const { stdout } = spawnSync('npx', ['vitest', ...stories], {
  cwd: packageFolder,
  encoding: 'utf8',
  env: { ...process.env, NOISELOOM_WINDOWS: 'electron' },
});
const held = Number(/"numPassedTests":(\d+)/.exec(stdout)?.[1] ?? 0);
tell(
  held === electronChecklist.length,
  `Electron's security guide: ${held} of ${electronChecklist.length} items hold`,
  held === electronChecklist.length ? [] : ['npm run e2e -- test/e2e/electronChecklist.test.ts says which do not'],
);

const packages = gatherLicences(packageFolder);
const strange = packages.filter(({ allowed }) => !allowed).map(({ name, licence }) => `${name}: ${licence}`);
tell(strange.length === 0, `${packages.length} packages have a licence that others may use them under`, strange);
console.log(`--   npm audit: ${auditLine(join(packageFolder))}`);

const tries = outcomes.reduce((sum, { tried }) => sum + tried, 0);
const lost = outcomes.reduce((sum, { wrong }) => sum + wrong.length, 0);
console.log(
  `${tries - lost} of ${tries} kills survived, ${mutations} mutations tried, ${held} of ${electronChecklist.length} checklist items`,
);
process.exit(); // the screen that was made for windows would wait for ever
