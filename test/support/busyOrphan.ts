import { spawn } from 'node:child_process';
import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { endWithParent } from '../../electron/engine/endWithParent.ts';
import { packageFolder } from '../../electron/files/folders.ts';

/* `busyOrphan.ts parent` starts itself as a child that computes for ever and hears nothing. The child says its pid. */
if (process.argv[2] === 'parent') {
  const script = [join(packageFolder, 'build/run.mjs'), join(packageFolder, 'test/support/busyOrphan.ts')];
  spawn(process.execPath, script, { stdio: ['ignore', 'inherit', 'inherit'] });
  setInterval(() => {}, 1000);
} else {
  endWithParent();
  writeSync(1, `${process.pid}\n`);
  for (;;);
}
