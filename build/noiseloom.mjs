#!/usr/bin/env node
import { fileURLToPath } from 'node:url';

// The command line `noiseloom`, from a checkout or installed.
process.argv.splice(2, 0, fileURLToPath(new URL('../electron/cli/cli.ts', import.meta.url)));
await import('./run.mjs');
