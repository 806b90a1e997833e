import { sampleImages } from '../../nodes/ml/diffusion/sampleImages.ts';
import { dispose, memory } from '../../nodes/ml/tf.ts';
import type { SampleSettings } from '../../nodes/ports.ts';
import { compare } from './speed/against.ts';
import { median, printJson, printTable } from './speed/figures.ts';
import { withSubject } from './speed/subject.ts';

/*
 * Images a second, decoded and all, by steps, guidance and batch; how each grows with the number of steps and images,
 * and whether memory stays flat. Prints a table, then the same as JSON.
 *
 *   npm run bench -- sample [--model FOLDER] [--device NAME] [--rounds N] [--against CMD]
 *
 * For `--against` an iteration is one image of one step.
 */
const cases: readonly { steps: number; guidanceScale: number; images: number; batch: number }[] = [
  { steps: 1, guidanceScale: 1, images: 1, batch: 1 },
  { steps: 1, guidanceScale: 1, images: 4, batch: 1 },
  { steps: 1, guidanceScale: 1, images: 4, batch: 4 },
  { steps: 4, guidanceScale: 1, images: 1, batch: 1 },
  { steps: 8, guidanceScale: 1, images: 1, batch: 1 },
  { steps: 8, guidanceScale: 5, images: 1, batch: 1 },
];

await withSubject(async (subject) => {
  const generator = await subject.loadGenerator();
  const draw = async ({ images, batch, ...settings }: (typeof cases)[number]): Promise<number> => {
    const request = subject.request(generator, images);
    const asked: SampleSettings = { ...request.settings, ...settings };
    const start = performance.now();
    const { pixels } = await sampleImages(generator, { ...request, settings: asked }, batch, async () => {});
    await pixels.data();
    const seconds = (performance.now() - start) / 1000;
    dispose([pixels, request.noise.latents]);
    return seconds;
  };
  const times = cases.map((): number[] => []);
  for (const each of cases) await draw(each);
  const tensors = memory().numTensors;
  for (let round = 0; round < subject.rounds; round++)
    for (const [i, each] of cases.entries()) times[i]!.push(await draw(each));
  const rows = cases.map((each, i) => {
    const ratios = times[i]!.map((seconds, round) => seconds / times[0]![round]!);
    return { ...each, seconds: median(times[i]!), overFirst: median(ratios) };
  });
  printTable(
    ['steps', 'guidance', 'images', 'at once', 'seconds', 'x first row', 'images a second'],
    rows.map(({ steps, guidanceScale, images, batch, seconds, overFirst }) => [
      String(steps),
      guidanceScale,
      images,
      batch,
      seconds,
      overFirst,
      images / seconds,
    ]),
  );
  const left = memory().numTensors - tensors;
  console.log(`Tensors left behind by ${cases.length * subject.rounds} runs: ${left}.\n`);
  if (left !== 0) process.exitCode = 1;
  const comparison = await compare('sample', subject, async () =>
    median([await draw(cases[0]!), await draw(cases[0]!), await draw(cases[0]!)]),
  );
  printJson({ bench: 'sample', rows, tensorsLeft: left, comparison });
});
