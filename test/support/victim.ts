import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { writeAtomic } from '../../electron/files/disk.ts';
import { drafts } from '../../electron/host/drafts.ts';
import { runTraining } from '../../electron/training/runTraining.ts';
import { emptyDocument } from '../../graphs/document/document.ts';
import { writeGraph } from '../../graphs/document/write.ts';
import { openTestDevice } from './devices.ts';
import { diskFiles } from './golden.ts';
import { lineRun, lineTraining } from './lineTraining.ts';

/*
 * A program to be killed: `victim.ts save FOLDER` saves one graph again and again, its title a number that grows and is
 * told when it is saved; `victim.ts draft FOLDER` does the same with the draft of a graph;
 * `victim.ts train FOLDER` trains and writes a checkpoint after every step. Says `ready` when it has begun.
 */
const [task, folder] = process.argv.slice(2) as [string, string];
if (task === 'save' || task === 'draft') {
  const kept = drafts(folder);
  for (let i = 1; ; i++) {
    const text = writeGraph({
      ...emptyDocument(String(i)),
      notes: [{ text: 'x'.repeat(200_000), position: [0, 0], size: [1, 1] }],
    });
    if (task === 'save') await writeAtomic(join(folder, 'graph.json'), text);
    else await kept.write({ id: 'a', name: 'A', text });
    writeSync(1, `${i === 1 ? 'ready\n' : ''}${i}\n`); // whole lines, at once
  }
} else {
  await openTestDevice();
  const onStep = (step: number) => {
    if (step === 1) console.log('ready');
  };
  await runTraining(lineTraining, { ...lineRun, folder, saveEvery: 0, onStep }, diskFiles);
}
