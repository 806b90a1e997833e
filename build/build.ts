/** `npm run build [-- window]`: bundles the application, or only its window, into out/. */
import { packageFolder as root } from '../electron/files/folders.ts';
import { buildApp } from './buildApp.ts';
import { buildRenderer } from './buildRenderer.ts';

const onlyWindow = process.argv[2] === 'window';
await Promise.all([buildRenderer(root), ...(onlyWindow ? [] : [buildApp(root)])]);
