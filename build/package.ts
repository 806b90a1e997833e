/**
 * `npm run package [-- --dir]`: makes installers of the application for this system in out/package: AppImage and deb on
 * Linux, dmg on macOS, nsis on Windows. With --dir only the application as a folder.
 *
 * Where Electron's releases cannot be reached, the runtime of the tests is packed instead; where the tools of the AppImage
 * cannot be, and APPIMAGE_TOOLS_PATH names no folder of them, only the deb is made. Both is said.
 */

import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Configuration } from 'electron-builder';
import sharp from 'sharp';
import { packageFolder as root } from '../electron/files/folders.ts';
import { buildApp } from './buildApp.ts';
import { buildRenderer } from './buildRenderer.ts';
import { desktopPackages } from './desktopPackages.ts';
import { electronPath } from './electronPath.ts';
import { findTestElectron } from './findTestElectron.ts';
import { fuses } from './fuses.ts';
import { licenceText } from './gatherLicences.ts';
import { makeDeb } from './makeDeb.ts';

const { build, Platform } = createRequire(join(desktopPackages(root), 'any.js'))(
  'electron-builder',
) as typeof import('electron-builder');
const out = join(root, 'out');
const onlyFolder = process.argv.includes('--dir');

/** The folder of the runtime to pack. */
function electronDist(): string {
  try {
    return dirname(electronPath(root));
  } catch (error) {
    const found = findTestElectron(root);
    if (!found) throw error;
    console.error('Electron’s releases cannot be reached: the copy for tests is packed. Do not publish this package.');
    return dirname(found);
  }
}

const runtime = electronDist();
const config: Configuration = {
  appId: 'io.github.noiseloom',
  productName: 'Noiseloom',
  copyright: 'Apache-2.0',
  directories: { output: 'out/package', buildResources: 'out/icons' },
  electronVersion: readFileSync(join(runtime, 'version'), 'utf8').trim().replace(/^v/, ''),
  electronDist: runtime,
  npmRebuild: false,
  files: [
    '!**/*',
    'package.json',
    'LICENSE',
    'out/app/**',
    'out/renderer/**',
    'out/licences.txt',
    'graphs/templates/**',
    'build/native/ops/**', // their hash names the compiled library
    'nodes/model/builtin/**',
    // bundled are all packages but those with binaries
    '!node_modules/**',
    'node_modules/sharp/**',
    'node_modules/@img/**',
    'node_modules/detect-libc/**',
    'node_modules/semver/**',
    'node_modules/@tensorflow/tfjs-backend-wasm/package.json',
    'node_modules/@tensorflow/tfjs-backend-wasm/dist/*.wasm',
    '!**/*.map',
  ],
  // models are read in ranges and libraries loaded by the system: neither works inside an archive
  asarUnpack: ['nodes/model/builtin/**', 'node_modules/sharp/**', 'node_modules/@img/**'],
  extraFiles: [{ from: 'out/licences.txt', to: 'LICENCES.txt' }],
  electronFuses: fuses,
  fileAssociations: [
    { ext: 'json', mimeType: 'application/json', name: 'Noiseloom graph', role: 'Editor', rank: 'Alternate' },
  ],
  linux: {
    target: ['AppImage'], // the deb is ours: electron-builder's needs tools of its own and a homepage
    syncDesktopName: true,
    category: 'Graphics',
    maintainer: 'Noiseloom <noreply@noiseloom.invalid>',
    executableName: 'noiseloom',
  },
  mac: { target: ['dmg'], category: 'public.app-category.graphics-design', hardenedRuntime: true },
  win: { target: ['nsis'] },
  nsis: { oneClick: false, allowToChangeInstallationDirectory: true, license: 'LICENSE' },
  // this one needs no libfuse2 on the user's system, and keeps Chromium's sandbox where the kernel lets it
  toolsets: { appimage: '1.0.3' },
  publish: null,
};

await Promise.all([buildApp(root), buildRenderer(root)]);
mkdirSync(join(out, 'icons'), { recursive: true });
writeFileSync(join(out, 'licences.txt'), licenceText(root));
const icon = sharp(join(root, 'build', 'icon.svg'), { density: 576 }).resize(512, 512);
await icon.png().toFile(join(out, 'icons', 'icon.png'));

rmSync(join(out, 'package'), { recursive: true, force: true });
const isDeb = process.platform === 'linux' && !onlyFolder;
try {
  await build({ config, targets: Platform.current().createTarget(onlyFolder ? 'dir' : null) });
} catch (error) {
  if (!isDeb || !existsSync(unpacked())) throw error;
  console.error(error instanceof Error ? error.message : error);
  console.error('There is no AppImage: its tools cannot be reached.');
}
if (isDeb) console.log(makeDeb(unpacked(), root));

/** The application's folder on Linux. */
function unpacked(): string {
  return join(out, 'package', process.arch === 'x64' ? 'linux-unpacked' : `linux-${process.arch}-unpacked`);
}
