import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { version } from '../electron/files/folders.ts';

/** What Chromium asks of a Debian system. */
const depends = ['libgtk-3-0', 'libnss3', 'libgbm1', 'libasound2', 'libxss1', 'xdg-utils', 'libsecret-1-0'];

/** Makes a Debian package of the application's folder and gives its path. */
export function makeDeb(application: string, root: string): string {
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  const tree = join(root, 'out', 'package', 'deb');
  rmSync(tree, { recursive: true, force: true });
  const write = (path: string, text: string) => {
    mkdirSync(join(tree, path, '..'), { recursive: true });
    writeFileSync(join(tree, path), text);
  };
  write(
    'DEBIAN/control',
    `Package: noiseloom
Version: ${version}
Architecture: ${architecture}
Maintainer: Noiseloom <noreply@noiseloom.invalid>
Depends: ${depends.join(', ')}
Section: graphics
Priority: optional
Description: Better images from text-to-image models at inference time
 Wires noise, generators and rewards into graphs that run on this machine.
`,
  );
  write(
    'usr/share/applications/noiseloom.desktop',
    `[Desktop Entry]
Name=Noiseloom
Exec=/opt/Noiseloom/noiseloom %F
Icon=noiseloom
Type=Application
Terminal=false
Categories=Graphics;
MimeType=application/json;
StartupWMClass=noiseloom
`,
  );
  cpSync(application, join(tree, 'opt', 'Noiseloom'), { recursive: true, verbatimSymlinks: true });
  const icons = join(tree, 'usr', 'share', 'icons', 'hicolor', '512x512', 'apps');
  mkdirSync(icons, { recursive: true });
  cpSync(join(root, 'out', 'icons', 'icon.png'), join(icons, 'noiseloom.png'));
  chmodSync(join(tree, 'opt', 'Noiseloom', 'chrome-sandbox'), 0o4755); // Chromium's sandbox where the kernel has none
  const path = join(root, 'out', 'package', `noiseloom_${version}_${architecture}.deb`);
  execFileSync('dpkg-deb', ['--root-owner-group', '-Zxz', '-z1', '--build', tree, path], { stdio: 'ignore' });
  rmSync(tree, { recursive: true });
  return path;
}
