import { join } from 'node:path';
import { writeAtomic } from '../../electron/files.ts';
import { runTraining } from '../../electron/training.ts';
import { emptyDocument } from '../../graphs/document.ts';
import { writeGraph } from '../../graphs/write.ts';
import { openTestDevice } from './devices.ts';
import { diskFiles } from './golden.ts';
import { lineRun, lineTraining } from './lineTraining.ts';

/*
 * A program to be killed: `victim.ts save FOLDER` saves one graph again and again, its title a number that grows;
 * `victim.ts train FOLDER` trains and writes a checkpoint after every step. Says `ready` when it has begun.
 */
const [task, folder] = process.argv.slice(2) as [string, string];
if (task === 'save') {
  for (let i = 1; ; i++) {
    const text = writeGraph({
      ...emptyDocument(String(i)),
      notes: [{ text: 'x'.repeat(200_000), position: [0, 0], size: [1, 1] }],
    });
    await writeAtomic(join(folder, 'graph.json'), text);
    if (i === 1) console.log('ready');
  }
} else {
  await openTestDevice();
  const onStep = (step: number) => {
    if (step === 1) console.log('ready');
  };
  await runTraining(lineTraining, { ...lineRun, folder, saveEvery: 0, onStep }, diskFiles);
}
