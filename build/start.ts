/** `npm start [-- FILE]`: bundles the application and opens its window. */
import { spawn } from 'node:child_process';
import { packageFolder as root } from '../electron/files/folders.ts';
import { buildApp } from './buildApp.ts';
import { buildRenderer } from './buildRenderer.ts';
import { electronPath } from './electronPath.ts';

await Promise.all([buildApp(root), buildRenderer(root)]);
const child = spawn(electronPath(root), [root, ...process.argv.slice(2)], { stdio: 'inherit' });
child.on('close', (code) => process.exit(code ?? 1));
