import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium } from 'playwright-core';
import { expect, it } from 'vitest';
import { version } from '../../electron/files/folders.ts';
import { library } from '../../nodes/index.ts';
import type {} from '../../renderer/state/shell.ts'; // declares window.noiseloom
import { environment, makeHome, removeHomes, screen } from '../support/windows.ts';
import { runIn } from './runIn.ts';

/*
 * The application as it is shipped: `npm run package` made it, with its fuses set, so it is watched as a browser is.
 */

const folder = fileURLToPath(new URL('../../out/package/', import.meta.url));
const programs = [join(folder, 'linux-unpacked', 'noiseloom'), join(folder, `Noiseloom-${version}.AppImage`)];
const isRequired = (process.env.NOISELOOM_REQUIRE ?? '').split(',').includes('package');
for (const program of programs)
  if (!existsSync(program)) console.warn(`SKIPPED on package: npm run package made no ${basename(program)}.`);

// the tools of the AppImage are not to be had everywhere
it.for(programs.map((program, i) => ({ program, name: basename(program), isNeeded: isRequired && i === 0 })))(
  'the packaged application opens, computes, and has all that it needs: $name',
  async ({ program, isNeeded }, { skip }) => {
    if (!existsSync(program) && !isNeeded) skip();
    const home = await makeHome({ preferences: { device: 'wasm' } });
    const child = spawn(program, ['--no-sandbox', '--remote-debugging-port=0'], {
      env: { ...environment(home), DISPLAY: await screen() },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    try {
      const address = await new Promise<string>((resolve, reject) => {
        let text = '';
        child.stderr.on('data', (chunk: Buffer) => {
          text += chunk;
          const found = /DevTools listening on (ws:\S+)/.exec(text)?.[1];
          if (found) resolve(found);
        });
        child.once('exit', (code) => reject(new Error(`it ended with ${code}: ${text}`)));
      });
      const browser = await attach(address);
      const pages = () => browser.contexts().flatMap((context) => context.pages());
      await expect
        .poll(() => pages().map((page) => page.url()), { timeout: 60_000 })
        .toEqual(['app://noiseloom/index.html']);
      const [page] = pages();
      if (!page) throw new Error('there is no window');
      const ask = (method: 'about' | 'engineState' | 'listTemplates' | 'listModels' | 'licences') =>
        page.evaluate(async (name) => {
          const outcome = await window.noiseloom?.[name]();
          return outcome?.ok ? outcome.value : outcome?.problem;
        }, method);
      await expect
        .poll(() => ask('engineState'), { timeout: 120_000 })
        .toMatchObject({ state: 'ready', device: { name: 'wasm' } });
      expect(await ask('about')).toMatchObject({ shell: 'desktop', folders: { models: join(home, 'data', 'models') } });
      expect(await ask('listTemplates')).toContainEqual(expect.objectContaining({ name: 'first-image' }));
      expect(await ask('listModels')).toMatchObject({
        models: expect.arrayContaining([expect.objectContaining({ name: 'builtin:world' })]),
      });
      expect(await ask('licences')).toContain('Apache License');
      // the built-in model lies beside the archive and is read in ranges
      const type = 'model/load-generator';
      const { version: nodeVersion } = library.get(type)!;
      const params = { model: 'builtin:world' };
      const nodes = { generator: { type, version: nodeVersion, params, inputs: {}, position: [0, 0] } };
      const outcome = await runIn(page, { format: 'noiseloom-graph', version: 1, title: 'Model', nodes });
      expect(outcome).toMatchObject({ ok: true, value: { status: 'done', ran: 1 } });
      await browser.close();
    } finally {
      child.kill('SIGKILL');
      await removeHomes();
    }
  },
);

/**
 * Attaches to a program that is still starting. A page that appears while one attaches can go unnoticed, and the attaching
 * never ends: so the page is waited for, and a second try is made.
 */
async function attach(address: string): Promise<Browser> {
  const { host } = new URL(address);
  await expect
    .poll(async () => (await fetch(`http://${host}/json/list`)).text(), { timeout: 120_000 })
    .toContain('app://noiseloom/index.html');
  const connect = () => chromium.connectOverCDP(address, { timeout: 30_000 });
  return connect().catch(connect);
}
