import { readFile } from 'node:fs/promises';
import { type CustomScheme, type Protocol, protocol } from 'electron';
import { contentPolicy } from '../host/contentPolicy.ts';
import { rendererFiles } from '../host/rendererFiles.ts';

/** Where our pages live: a scheme of our own is a secure context, which `file:` is not. */
export const origins = { window: 'app://noiseloom', engine: 'app://engine' } as const;

const scheme: CustomScheme = {
  scheme: 'app',
  privileges: { standard: true, secure: true, supportFetchAPI: true, codeCache: true },
};

/** Makes the scheme known; before the app is ready. */
export function registerScheme(): void {
  protocol.registerSchemesAsPrivileged([scheme]);
}

/** Serves the files of one folder under an origin, and nothing else, to the pages of a session. */
export async function serveFolder(session: { protocol: Protocol }, origin: string, folder: string): Promise<void> {
  const files = await rendererFiles(folder);
  session.protocol.handle('app', async (request) => {
    const file = request.method === 'GET' ? findFile(request.url, origin, files) : undefined;
    if (!file) return new Response(null, { status: 404 });
    const headers = {
      'content-type': file.mime,
      'content-security-policy': contentPolicy,
      'x-content-type-options': 'nosniff',
      'cross-origin-opener-policy': 'same-origin',
    };
    return new Response(new Uint8Array(await readFile(file.path)), { headers });
  });
}

/** The file that an address means, if it is one of those listed. */
export function findFile<File>(address: string, origin: string, files: ReadonlyMap<string, File>): File | undefined {
  const { protocol, host, pathname } = new URL(address);
  return `${protocol}//${host}` === origin ? files.get(pathname) : undefined;
}
