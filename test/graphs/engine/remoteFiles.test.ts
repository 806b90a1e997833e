import { MessageChannel } from 'node:worker_threads';
import { expect, it } from 'vitest';
import { messagePort } from '../../../graphs/engine/port.ts';
import { connectFiles, serveFiles } from '../../../graphs/engine/remoteFiles.ts';
import { memoryFiles } from '../../support/memoryFiles.ts';

it('gives each graph the files of the place where it lies, and what goes wrong by its code', async () => {
  const { port1, port2 } = new MessageChannel();
  serveFiles((location) => memoryFiles({ 'image.png': location ?? 'nowhere' }), messagePort(port1));
  const filesOf = connectFiles(messagePort(port2));
  const textOf = async (location: string | undefined) =>
    new TextDecoder().decode(await filesOf(location).read('image.png'));
  expect(await Promise.all(['/here/a.json', undefined, '/there/b.json'].map(textOf))).toEqual([
    '/here/a.json',
    'nowhere',
    '/there/b.json',
  ]);
  await expect(filesOf(undefined).read('other.png')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  port1.close();
});
