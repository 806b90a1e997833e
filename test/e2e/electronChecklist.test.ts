import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ElectronApplication, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fuses } from '../../build/fuses.ts';
import { packageFolder } from '../../electron/files/folders.ts';
import { contentPolicy } from '../../electron/host/contentPolicy.ts';
import { methods } from '../../electron/host/ipc.ts';
import type {} from '../../renderer/state/shell.ts'; // declares window.noiseloom
import { type ChecklistItem, electronChecklist } from '../support/electronChecklist.ts';
import { describeInWindows, type OpenedWindow, removeHomes } from '../support/windows.ts';

/** What Electron knows of a page, though its types do not say so. */
interface Inspected {
  getLastWebPreferences(): Readonly<Record<string, unknown>> | null;
}

/*
 * Electron's security guide, item by item, on the running application: what its window is made with, and what happens
 * when a page that went astray tries. What needs no window is in test/electron/security.test.ts.
 */

describeInWindows("Electron's security guide", (open, kind) => {
  let opened: OpenedWindow;
  let page: Page;
  let app: ElectronApplication;
  beforeAll(async () => {
    if (kind !== 'electron') return;
    opened = await open({ preferences: { device: 'cpu' } });
    page = opened.page;
    app = opened.app as ElectronApplication;
  });
  afterAll(async () => {
    await opened?.close();
    await removeHomes();
  });

  /** What every window was made with. */
  const preferences = () =>
    app.evaluate(({ webContents }) =>
      (webContents.getAllWebContents() as unknown as Inspected[]).map((each) => each.getLastWebPreferences()),
    );
  const expectPreferences = async (wanted: object) => {
    const found = await preferences();
    expect(found.length).toBeGreaterThan(0);
    for (const each of found) expect(each).toMatchObject(wanted);
  };
  /** The page is still where it was. */
  const stays = async (attempt: () => Promise<unknown>) => {
    const before = page.url();
    await attempt().catch(() => {});
    await page.waitForTimeout(200);
    expect(page.url()).toBe(before);
    expect(await page.evaluate(() => document.title)).toContain('Noiseloom');
  };

  const checks: Readonly<Record<ChecklistItem, () => Promise<void>>> = {
    async 'Only load secure content'() {
      const sources = await page.evaluate(() => performance.getEntriesByType('resource').map(({ name }) => name));
      for (const source of sources) expect(source).toMatch(/^(app:\/\/noiseloom\/|blob:|data:)/);
      const asked: string[] = [];
      const server = createServer((request, response) => {
        asked.push(request.url ?? '');
        response.setHeader('access-control-allow-origin', '*').end('x');
      });
      await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
      try {
        const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
        const failed = await page.evaluate(async (address) => {
          const image = new Image();
          const broken = new Promise<boolean>((done) => {
            image.onerror = () => done(true);
            image.onload = () => done(false);
          });
          image.src = `${address}/image`;
          const failed = (promise: Promise<unknown>) => promise.then(() => false).catch(() => true);
          return [
            await broken,
            await failed(fetch(`${address}/fetch`)),
            await failed(fetch(`${address}/fetch`, { mode: 'no-cors' })),
            !navigator.sendBeacon(`${address}/beacon`) || true,
          ];
        }, address);
        expect(failed).toEqual([true, true, true, true]);
        // not even from outside the page, where no policy of a document stands in the way
        const loaded = await app.evaluate(
          ({ session }, address) =>
            session.defaultSession.fetch(`${address}/session`).then(
              () => true,
              () => false,
            ),
          address,
        );
        expect(loaded).toBe(false);
        expect(asked).toEqual([]);
      } finally {
        server.close();
      }
    },

    async 'Do not enable Node.js integration for remote content'() {
      await expectPreferences({ nodeIntegration: false, nodeIntegrationInSubFrames: false });
      for (const each of await preferences()) expect(each?.nodeIntegrationInWorker ?? false).toBe(false);
      const seen = await page.evaluate(() =>
        ['process', 'require', 'module', 'global', 'Buffer', '__dirname'].filter((name) => name in globalThis),
      );
      expect(seen).toEqual([]);
    },

    async 'Enable context isolation'() {
      await expectPreferences({ contextIsolation: true });
      const about = await page.evaluate(async () => {
        // what a page spoils is its own: the preload script has other prototypes
        Array.prototype.map = () => [];
        const outcome = await window.noiseloom?.about();
        return outcome?.ok && outcome.value.shell;
      });
      expect(about).toBe('desktop');
      await page.reload();
      const changed = await page.evaluate(() => {
        const bridge = window.noiseloom as unknown as Record<string, unknown>;
        const before = bridge.about;
        try {
          bridge.about = () => 'mine';
          (globalThis as Record<string, unknown>).noiseloom = {};
        } catch {}
        return (window.noiseloom as unknown as Record<string, unknown>).about !== before;
      });
      expect(changed).toBe(false);
    },

    async 'Enable process sandboxing'() {
      await expectPreferences({ sandbox: true });
    },

    async 'Handle session permission requests from remote content'() {
      const answers = await page.evaluate(async () => {
        const names = ['camera', 'microphone', 'geolocation', 'notifications', 'midi', 'clipboard-read', 'local-fonts'];
        const states = names.map(async (name) => {
          const { state } = await navigator.permissions.query({ name: name as PermissionName });
          return `${name} ${state}`;
        });
        const refused = (what: () => Promise<unknown>) =>
          Promise.resolve()
            .then(what)
            .then(() => false)
            .catch(() => true);
        const devices = navigator as unknown as Record<string, { requestDevice?(options: object): Promise<unknown> }>;
        return {
          states: await Promise.all(states),
          camera: await refused(() => navigator.mediaDevices.getUserMedia({ video: true })),
          screen: await refused(() => navigator.mediaDevices.getDisplayMedia()),
          place: await new Promise((done) =>
            navigator.geolocation.getCurrentPosition(
              () => done(false),
              () => done(true),
            ),
          ),
          told: await Notification.requestPermission(),
          clipboard: await refused(() => navigator.clipboard.readText()),
          usb: await refused(async () => {
            if (!(await devices.usb?.requestDevice?.({ filters: [] }))) throw new Error('none');
          }),
        };
      });
      expect(answers).toEqual({
        states: answers.states.map((each) => each.replace(/ \w+$/, ' denied')),
        camera: true,
        screen: true,
        place: true,
        told: 'denied',
        clipboard: true,
        usb: true,
      });
    },

    async 'Do not disable webSecurity'() {
      await expectPreferences({ webSecurity: true });
    },

    async 'Define a Content Security Policy'() {
      const headers = await page.evaluate(async () => {
        const response = await fetch('app://noiseloom/index.html');
        return response.headers.get('content-security-policy');
      });
      expect(headers).toBe(contentPolicy);
      expect(contentPolicy).not.toMatch(/unsafe|\*|https?:/);
      const ran = await page.evaluate(async () => {
        const all = globalThis as Record<string, unknown>;
        const inline = document.createElement('script');
        inline.textContent = 'globalThis.ranInline = true';
        document.body.append(inline);
        const image = document.createElement('div');
        image.innerHTML = '<img src="none" onerror="globalThis.ranHandler = true">';
        document.body.append(image);
        // in tasks of their own: the debugger, through which this runs, may do more than the page
        const evaluated = await new Promise((done) => {
          setTimeout(() => {
            try {
              new Function('globalThis.ranFunction = true')();
              done(true);
            } catch {
              done(false);
            }
          });
        });
        const own = document.createElement('script');
        own.src = URL.createObjectURL(new Blob(['globalThis.ranOwn = true'], { type: 'text/javascript' }));
        document.body.append(own);
        await new Promise((done) => setTimeout(done, 100));
        for (const each of [inline, image, own]) each.remove();
        return [evaluated, all.ranInline, all.ranHandler, all.ranFunction, all.ranOwn];
      });
      expect(ran).toEqual([false, undefined, undefined, undefined, undefined]);
    },

    async 'Do not enable allowRunningInsecureContent'() {
      for (const each of await preferences()) expect(each?.allowRunningInsecureContent ?? false).toBe(false);
    },

    async 'Do not enable experimental features'() {
      for (const each of await preferences()) expect(each?.experimentalFeatures ?? false).toBe(false);
    },

    async 'Do not use enableBlinkFeatures'() {
      for (const each of await preferences()) expect(each?.enableBlinkFeatures ?? '').toBe('');
    },

    async 'Do not use allowpopups for WebViews'() {
      await expectPreferences({ webviewTag: false });
      const made = await page.evaluate(() => 'loadURL' in document.createElement('webview'));
      expect(made).toBe(false);
    },

    async 'Verify WebView options and params'() {
      const listeners = await app.evaluate(({ webContents }) =>
        webContents.getAllWebContents().map((each) => each.listenerCount('will-attach-webview')),
      );
      expect(listeners.length).toBeGreaterThan(0);
      for (const count of listeners) expect(count).toBeGreaterThan(0);
    },

    async 'Disable or limit navigation'() {
      for (const address of [
        'https://example.org/',
        'app://engine/index.html',
        'app://noiseloom/index.html?elsewhere',
        'file:///etc/hostname',
        'data:text/html,x',
        'javascript:document.title="x"',
      ])
        await stays(() =>
          page.evaluate((to) => {
            setTimeout(() => {
              location.href = to;
            });
          }, address),
        );
      await stays(() =>
        page.evaluate(() => {
          const frame = document.createElement('iframe');
          frame.src = 'https://example.org/';
          document.body.append(frame);
          const form = document.createElement('form');
          form.action = 'https://example.org/';
          document.body.append(form);
          form.submit();
        }),
      );
      const frames = page.frames().map((frame) => frame.url());
      for (const url of frames) expect(url).not.toContain('example.org');
    },

    async 'Disable or limit creation of new windows'() {
      const count = () => app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().length);
      const before = await count();
      const opened = await page.evaluate(() =>
        ['https://example.org/', 'about:blank', 'app://noiseloom/index.html', 'file:///etc/hostname', ''].map(
          (address) => window.open(address) !== null,
        ),
      );
      expect(opened).toEqual([false, false, false, false, false]);
      expect(await count()).toBe(before);
    },

    async 'Do not use shell.openExternal with untrusted content'() {
      await app.evaluate(({ shell }) => {
        const all = globalThis as unknown as { handedOver: string[] };
        all.handedOver = [];
        shell.openExternal = async (address) => {
          all.handedOver.push(address);
        };
      });
      await page.evaluate(() => {
        for (const address of [
          'file:///etc/passwd',
          'smb://host/share',
          'ms-settings:privacy',
          'javascript:alert(1)',
          'http://github.com/',
          'https://github.com.example.org/',
          'https://github.com@example.org/',
          'https://example.org/',
          'https://github.com/a/b',
        ])
          window.open(address);
      });
      const read = () => app.evaluate(() => (globalThis as unknown as { handedOver: string[] }).handedOver);
      await expect.poll(read).toEqual(['https://github.com/a/b']);
    },

    async 'Use a current version of Electron'() {
      const { devDependencies } = JSON.parse(readFileSync(join(packageFolder, 'build/desktop/package.json'), 'utf8'));
      const major = (version: string) => Number(/\d+/.exec(version)?.[0]);
      const running = await app.evaluate(() => process.versions.electron as string);
      expect(major(running)).toBe(major(devDependencies.electron));
    },

    async 'Validate the sender of all IPC messages'() {
      // another window of the same page and preload is not the window
      const preload = join(packageFolder, 'out', 'app', 'preload.cjs');
      const given = { preload, names: Object.keys(methods) };
      const stranger = await app.evaluate(async ({ BrowserWindow }, { preload, names }) => {
        const window = new BrowserWindow({ show: false, webPreferences: { preload, sandbox: true } });
        await window.loadURL('app://noiseloom/index.html');
        const code = `Promise.all(${JSON.stringify(names)}.map((name) =>
          window.noiseloom[name]().then(() => name + ' let in', ({ message }) => message.includes('refused') ? '' : message)))`;
        const answers: string[] = await window.webContents.executeJavaScript(code);
        window.destroy();
        return answers.filter((answer) => answer !== '');
      }, given);
      expect(stranger).toEqual([]);
      // and every channel looks at what it is given
      const wrong = await page.evaluate(async (names) => {
        const bridge = window.noiseloom as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
        const attempts = [
          [{ a: 1 }, 2, 3, 4, 5],
          [null, null, null, null],
          [Number.NaN, [], {}, 'x'],
          ['x', 'y', 'z', 'w'],
        ];
        const found: string[] = [];
        for (const name of names)
          for (const args of attempts)
            await bridge[name]?.(...args).then(
              () => found.push(name),
              ({ message }: Error) => message.includes(`refused: ${name}`) || found.push(`${name}: ${message}`),
            );
        return found;
      }, Object.keys(methods));
      expect(wrong).toEqual([]);
    },

    async 'Avoid usage of the file:// protocol and prefer usage of custom protocols'() {
      expect(page.url()).toMatch(/^app:\/\/noiseloom\//);
      const read = (address: string) =>
        page.evaluate(
          (address) =>
            fetch(address)
              .then(({ status }) => status)
              .catch(() => 0),
          address,
        );
      for (const address of [
        pathToFileURL(join(packageFolder, 'package.json')).href,
        'app://noiseloom/../package.json',
        'app://noiseloom/%2e%2e/%2e%2e/package.json',
        'app://noiseloom//etc/hostname',
        'app://noiseloom/..%2f..%2fpackage.json',
        'app://engine/engineWindow.html',
        'app://other/index.html',
      ])
        expect([0, 404], address).toContain(await read(address));
      expect(await read('app://noiseloom/index.html')).toBe(200);
    },

    async 'Check which fuses you can change'() {
      expect(fuses).toEqual({
        runAsNode: false,
        enableCookieEncryption: true,
        enableNodeOptionsEnvironmentVariable: false,
        enableNodeCliInspectArguments: false,
        enableEmbeddedAsarIntegrityValidation: true,
        onlyLoadAppFromAsar: true,
        loadBrowserProcessSpecificV8Snapshot: false,
        grantFileProtocolExtraPrivileges: false,
      });
      const program = join(packageFolder, 'out', 'package', 'linux-unpacked', 'noiseloom');
      if (existsSync(program)) expect(fusesOf(program)).toEqual(Object.values(fuses));
      else if ((process.env.NOISELOOM_REQUIRE ?? '').split(',').includes('package')) throw new Error(`no ${program}`);
    },

    async 'Do not expose Electron APIs to untrusted web content'() {
      const seen = await page.evaluate(() => {
        const bridge = window.noiseloom as unknown as Record<string, unknown>;
        return {
          names: Object.keys(bridge).sort(),
          kinds: [...new Set(Object.values(bridge).map((each) => typeof each))],
          electron: ['ipcRenderer', 'electron', 'webFrame', 'contextBridge'].filter((name) => name in globalThis),
        };
      });
      expect(seen).toEqual({
        names: [...Object.keys(methods), 'connectEngine', 'listen', 'takeFile'].sort(),
        kinds: ['function'],
        electron: [],
      });
    },
  };

  it.skipIf(kind !== 'electron').each(electronChecklist.map((item, i) => [i + 1, item] as const))(
    '%i. %s',
    (_number, item) => checks[item](),
  );
});

/**
 * The fuses in a program of Electron, in their order: a marker, the version and the count of fuses, then one letter each.
 * Source: electronjs.org/docs/latest/tutorial/fuses
 */
function fusesOf(program: string): boolean[] {
  const bytes = readFileSync(program);
  const at = bytes.indexOf('dL7pKGdnNz796PbbjQWNKmHXBZaB9tsX') + 32;
  expect(bytes[at], 'version of the fuse wire').toBe(1);
  const wire = bytes.toString('latin1', at + 2, at + 2 + Object.keys(fuses).length);
  return [...wire].map((letter) => letter === '1');
}
