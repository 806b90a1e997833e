import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Bundles the application before its tests. */
export default function buildForTests(): void {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const { status } = spawnSync(process.execPath, ['build/run.mjs', 'build/build.ts'], { cwd: root, stdio: 'inherit' });
  if (status !== 0) throw new Error('The application could not be bundled.');
}
