import { openFiles } from '../../electron/files/files.ts';
import { extractGraphText } from '../../electron/files/graphText.ts';
import { anywhere } from '../../electron/files/paths.ts';
import { readGraph } from '../../graphs/document/read.ts';
import { UserError } from '../../nodes/errors.ts';
import { library } from '../../nodes/index.ts';
import { readConfig } from '../../nodes/ml/models/load/modelFolder.ts';
import { loadClipTokenizer } from '../../nodes/ml/text/clipTokenizer.ts';
import { readMerges } from '../../nodes/ml/text/simpleTokenizer.ts';
import { openCheckpoint } from '../../nodes/ml/weights/openCheckpoint.ts';

/*
 * `readStranger.ts KIND PATH [KIND PATH ...]`: reads files of a stranger as their kinds, in a process whose memory the caller
 * limits and which the caller ends when it takes too long. Prints a line of JSON for each.
 */

export interface StrangersOutcome {
  readonly path: string;
  /** Of the UserError, or `read`; any other error ends the process. */
  readonly code: string;
  readonly message: string;
  /** The most memory that the process has taken so far, in bytes. */
  readonly bytes: number;
}

const folder = '/nowhere';
const files = openFiles({
  ...{ builtinFolder: folder, modelsFolder: folder, hubCache: folder, workingFolder: folder, mayRead: anywhere },
});

const readers: Readonly<Record<string, (path: string) => Promise<unknown>>> = {
  async checkpoint(path) {
    const checkpoint = await openCheckpoint(files, path);
    const names = checkpoint.names();
    for (const name of names) checkpoint.entry(name);
    for (const name of names.slice(0, 20)) await checkpoint.read(name);
    return `${names.length} tensors, ${checkpoint.metadata.size} plain values`;
  },
  graph: async (path) => {
    const { problems } = readGraph(extractGraphText(await files.read(path), path), library);
    return problems.map(({ message }) => message).join('\n');
  },
  tokenizer: async (path) => (await loadClipTokenizer(files, path)).encode('a red circle', 77).length,
  merges: async (path) => readMerges(await files.read(path), path).length,
  config: async (path) => Object.keys(await readConfig(files, path)).length,
  image: async (path) => (await files.decodeImage(await files.read(path))).rgb.length,
};

const given = process.argv.slice(2);
for (let i = 0; i < given.length; i += 2) {
  const [kind, path] = given.slice(i, i + 2) as [string, string];
  let [code, message] = ['read', ''];
  try {
    message = String(await readers[kind]!(path));
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    ({ code, message } = error);
  }
  const bytes = process.resourceUsage().maxRSS * 1024;
  console.log(JSON.stringify({ path, code, message, bytes } satisfies StrangersOutcome));
}
