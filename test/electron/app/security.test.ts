import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { contentPolicy } from '../../../electron/host/contentPolicy.ts';
import { isCall } from '../../../electron/host/desktopCalls.ts';
import { methods } from '../../../electron/host/ipc.ts';
import { rendererFiles } from '../../../electron/host/rendererFiles.ts';

/*
 * Electron's own checklist of security, as far as it can be checked without a window; test/e2e checks the rest in one.
 */

// Outside Electron the module `electron` is the path of its program.
vi.mock('electron', () => ({ shell: {}, protocol: {} }));
const { hardened, isFromWindow, isOwn, isServed, mayOpen } = await import('../../../electron/app/security.ts');
const { findFile, origins } = await import('../../../electron/app/protocol.ts');

const root = join(import.meta.dirname, '..', '..', '..');
const sources = readdirSync(join(root, 'electron'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => ({ name, text: readFileSync(join(root, 'electron', name), 'utf8') }));

describe('pages', () => {
  it('are isolated, sandboxed and without Node', () => {
    expect(hardened).toEqual({
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      nodeIntegrationInWorker: false,
      nodeIntegrationInSubFrames: false,
      webSecurity: true,
      allowRunningInsecureContent: false,
      experimentalFeatures: false,
      webviewTag: false,
      navigateOnDragDrop: false,
      safeDialogs: true,
      disableBlinkFeatures: 'Auxclick',
    });
    const makers = sources.filter(({ text }) => text.includes('new BrowserWindow('));
    expect(makers.length).toBeGreaterThan(0);
    for (const { name, text } of makers)
      expect(text.match(/webPreferences: \{ \.\.\.hardened/g), name).toHaveLength(
        text.match(/new BrowserWindow\(/g)?.length as number,
      );
  });

  it('have a policy that lets in nothing but their own files', () => {
    const rules = new Map(contentPolicy.split('; ').map((rule) => [rule.split(' ')[0], rule.split(' ').slice(1)]));
    expect(rules.get('default-src')).toEqual(["'none'"]);
    expect(rules.get('script-src')).toEqual(["'self'"]);
    for (const [name, values] of rules)
      for (const value of values) expect(["'none'", "'self'", 'blob:', 'data:'], name).toContain(value);
    for (const name of ['base-uri', 'form-action', 'frame-ancestors']) expect(rules.get(name)).toEqual(["'none'"]);
  });

  it('load only addresses of our own scheme', () => {
    for (const address of [
      'https://example.org/',
      'http://localhost/',
      'file:///etc/passwd',
      'ftp://a/',
      'ws://a/',
      ' app://noiseloom',
    ])
      expect(isServed(address), address).toBe(false);
    for (const address of ['app://noiseloom/index.html', 'blob:app://noiseloom/1', 'data:image/png;base64,AA'])
      expect(isServed(address), address).toBe(true);
  });

  it('open only https pages of known hosts outside', () => {
    for (const address of [
      'http://github.com/',
      'https://github.com.evil.example/',
      'https://evil.example/github.com',
      'https://github.com@evil.example/',
      'https://user:secret@github.com/',
      'https://github.com:8443/',
      'file:///etc/passwd',
      'javascript:alert(1)',
      'smb://github.com/',
      'ms-settings:',
      'not an address',
      '',
    ])
      expect(mayOpen(address), address).toBe(false);
    for (const address of ['https://github.com/a', 'https://arxiv.org/abs/2406.04312', 'https://huggingface.co/x/y'])
      expect(mayOpen(address), address).toBe(true);
  });
});

describe('the scheme', () => {
  it('serves what is listed under its origin, and nothing else', async () => {
    const files = new Map([
      ['/index.html', 'index'],
      ['/assets/main.js', 'main'],
    ]);
    const find = (address: string) => findFile(address, origins.window, files);
    expect(find('app://noiseloom/index.html?x#y')).toBe('index');
    for (const address of [
      'app://engine/index.html',
      'app://noiseloom.evil/index.html',
      'app://noiseloom:1/index.html',
      'app://noiseloom/../index.html/x',
      'app://noiseloom/%2e%2e/secret',
      'app://noiseloom/assets',
      'https://noiseloom/index.html',
    ])
      expect(find(address), address).toBeUndefined();
    expect((await rendererFiles(join(root, 'nowhere'))).size).toBe(0);
  });
});

describe('messages between processes', () => {
  const mainFrame = { url: 'app://noiseloom/index.html' };
  const page = { mainFrame };
  const from = (sender: object, senderFrame: object | null, window: object = page) =>
    isFromWindow({ sender, senderFrame } as never, window as never);

  it('are heard from the page of the window alone', () => {
    expect(from(page, mainFrame)).toBe(true);
    expect(from({ mainFrame }, mainFrame)).toBe(false); // another window
    expect(from(page, { url: mainFrame.url })).toBe(false); // a frame inside
    expect(from(page, null)).toBe(false); // a frame that is gone
    expect(isFromWindow({ sender: page, senderFrame: mainFrame } as never, undefined)).toBe(false);
    for (const url of ['app://engine/x', 'https://noiseloom/', 'app://noiseloom.evil/', 'about:blank', '']) {
      const frame = { url };
      expect(from({ mainFrame: frame }, frame, { mainFrame: frame }), url).toBe(false);
      const own = { mainFrame: frame };
      expect(from(own, frame, own), url).toBe(false);
    }
    expect(isOwn('app://noiseloom/a', origins.window)).toBe(true);
    expect(isOwn('app://noiseloom@evil/a', origins.window)).toBe(false);
  });

  it('are checked by name and arguments', () => {
    expect(isCall('about', [])).toBe(true);
    expect(isCall('saveGraphAs', ['a', '{}'])).toBe(true);
    expect(isCall('saveGraphAs', ['a', '{}', true])).toBe(true);
    for (const [name, args] of [
      ['about', [1]],
      ['saveGraph', ['a']],
      ['saveGraph', ['a', 5]],
      ['saveGraphAs', ['a', '{}', 'yes']],
      ['readDropped', ['a', [1, 2]]],
      ['chooseFile', [[1], true]],
      ['writeDraft', [[]]],
      ['writeDraft', [null]],
      ['toString', []],
      ['constructor', []],
      ['__proto__', []],
    ] as const)
      expect(isCall(name, args), name).toBe(false);
    expect(isCall('about', { length: 0 })).toBe(false);
  });

  it('are all of the contract: preload and main take its list of methods', () => {
    const text = (name: string) => sources.find((source) => source.name === `app/${name}`)?.text as string;
    expect(text('preload.ts')).toContain('Object.keys(methods)');
    expect(text('main.ts')).toContain('Object.keys(methods)');
    expect(text('main.ts').match(/ipcMain\.(handle|on)\(/g)).toHaveLength(3); // calls, a dropped file, the engine's port
    expect(text('main.ts').match(/isFromWindow\(event/g)).toHaveLength(3);
    expect(
      text('preload.ts')
        .match(/ipcRenderer\.\w+/g)
        ?.sort(),
    ).toEqual([
      'ipcRenderer.invoke',
      'ipcRenderer.invoke',
      'ipcRenderer.off',
      'ipcRenderer.on',
      'ipcRenderer.on',
      'ipcRenderer.send',
    ]);
    expect(Object.keys(methods).length).toBeGreaterThan(20);
  });
});

describe('code', () => {
  it('uses none of the doors that Electron advises against', () => {
    const doors =
      /enableRemoteModule|@electron\/remote|setPermissionCheckHandler\(null|allowpopups|\beval\(|new Function|executeJavaScript|insertCSS|openDevTools|file:\/\//;
    for (const { name, text } of sources) expect(text.match(doors)?.[0], name).toBeUndefined();
  });
});
