import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listRunFolders, readRecord, readRunFile } from '../../electron/files/recordedRuns.ts';
import { checkGraph } from '../../graphs/document/check.ts';
import { readGraph } from '../../graphs/document/read.ts';
import { writeGraph } from '../../graphs/document/write.ts';
import { prepareRun } from '../../graphs/engine/engine.ts';
import { UserError } from '../../nodes/errors.ts';
import { library } from '../../nodes/index.ts';
import { readPngText } from '../../nodes/ml/image/pngText.ts';
import { describeModel } from '../../nodes/ml/models/load/loadGenerator.ts';
import type { RandomStream } from '../../nodes/ml/random.ts';
import { loadClipTokenizer } from '../../nodes/ml/text/clipTokenizer.ts';
import { openCheckpoint } from '../../nodes/ml/weights/openCheckpoint.ts';
import { diskFiles, goldenFolder, repository } from './golden.ts';
import { memoryFiles } from './memoryFiles.ts';
import { mutateBytes, mutateJson } from './mutate.ts';

/** A reader of untrusted content, and how that content is spoiled. */
export interface FuzzTarget {
  readonly name: string;
  /** Spoiled content, then the reading of it, which either succeeds or rejects with a UserError. */
  attempt(random: RandomStream): () => Promise<unknown>;
}

const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const bytesOf = (text: string) => new TextEncoder().encode(text);
const read = (path: string) => new Uint8Array(readFileSync(path));

/** Half by value, where the text is still JSON; half by byte. */
function spoiledJson(text: string, random: RandomStream): string {
  return random.integer(2) ? mutateJson(text, random) : textOf(mutateBytes(bytesOf(text), random));
}

function filesUnder(folder: string, wanted: (name: string) => boolean): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(wanted).sort();
}

function graphs(): FuzzTarget {
  const folder = `${repository}/graphs/templates`;
  const texts = filesUnder(folder, (name) => name.endsWith('.json')).map((name) => textOf(read(join(folder, name))));
  return {
    name: 'graphs',
    attempt(random) {
      const text = spoiledJson(texts[random.integer(texts.length)]!, random);
      return async () => {
        const { document, problems } = readGraph(text, library);
        const long = problems.find(({ message }) => message.length > 1500);
        if (long) throw new Error(`A problem of ${long.message.length} letters`);
        checkGraph(document, library);
        const written = writeGraph(document);
        if (writeGraph(readGraph(written, library).document) !== written)
          throw new Error('What is written reads as another graph.');
      };
    },
  };
}

function images(): FuzzTarget {
  const image = read(`${repository}/build/images/first-image.png`);
  return {
    name: 'PNG metadata',
    attempt(random) {
      const bytes = mutateBytes(image, random);
      return async () => {
        const text = readPngText(bytes).get('noiseloom-graph');
        if (text !== undefined) readGraph(text, library);
        if (random.integer(10) === 0) await diskFiles.decodeImage(bytes); // the decoder is a library: a sample will do
      };
    },
  };
}

function checkpoints(name: string, folder: string, ending: RegExp): FuzzTarget {
  const root = goldenFolder(`checkpoint-formats/${folder}`);
  const names = filesUnder(root, (each) => ending.test(each));
  const contents = names.map((each) => read(join(root, each))).filter((bytes) => bytes.length < 2 ** 20);
  return {
    name,
    attempt(random) {
      const i = random.integer(contents.length);
      const path = `/${names[i]!.replaceAll('/', '-')}`;
      const files = memoryFiles({ [path]: mutateBytes(contents[i]!, random) });
      return async () => {
        const checkpoint = await openCheckpoint(files, path);
        for (const tensor of checkpoint.names()) await checkpoint.read(tensor);
      };
    },
  };
}

/** A model folder with one of its small files spoiled. */
function folders(
  name: string,
  folder: string,
  wanted: (name: string) => boolean,
  readAll: (files: ReturnType<typeof memoryFiles>) => Promise<unknown>,
): FuzzTarget {
  const root = goldenFolder(folder);
  const names = filesUnder(
    root,
    (each) => /\.(json|txt|safetensors)$/.test(each) && !/^(expected|case|tensors)/.test(each),
  );
  const contents = Object.fromEntries(names.map((each) => [`/model/${each}`, read(join(root, each))]));
  const spoilable = names.filter(wanted);
  return {
    name,
    attempt(random) {
      const path = `/model/${spoilable[random.integer(spoilable.length)]!}`;
      const text = textOf(contents[path]!);
      const spoiled = path.endsWith('.json') ? spoiledJson(text, random) : textOf(mutateBytes(contents[path]!, random));
      const files = memoryFiles({ ...contents, [path]: spoiled });
      return () => readAll(files);
    },
  };
}

/** The record of a run folder from elsewhere, with an image that it names. */
function records(): FuzzTarget {
  const runs = mkdtempSync(join(tmpdir(), 'noiseloom-records-'));
  process.once('exit', () => rmSync(runs, { recursive: true, force: true }));
  const folder = join(runs, '2026-run');
  mkdirSync(folder);
  writeFileSync(join(folder, 'a.png'), 'a');
  const template = textOf(read(`${repository}/graphs/templates/first-image.json`));
  const record = {
    ...{ format: 'noiseloom-run', version: 1, state: 'done', pid: 1, started: '2026-01-01T00:00:00.000Z', ms: 5 },
    graph: { location: 'a.json', folder: '/somewhere', hash: 'x', document: JSON.parse(template) as object },
    ...{ overrides: { 'noise.seed': 5 }, targets: ['save'], seeds: { 'noise.seed': 5 }, versions: { noiseloom: '0' } },
    device: { name: 'cpu', description: 'of a test' },
    files: [{ node: 'generator', location: 'builtin:world', path: '/x', sha256: '00' }],
    nodes: { save: { state: 'done', ms: 1 } },
    scores: [{ node: 'score', output: 'scores', names: ['a'], values: [[1]], labels: [{}] }],
    traces: [],
    outputs: [{ node: 'save', name: 'a.png', mime: 'image/png', size: 1, sha256: '00', label: { seed: 1 } }],
    ...{ remarks: [], problems: [{ code: 'X', message: 'No.', at: {} }] },
  };
  const text = JSON.stringify(record);
  return {
    name: 'run records',
    attempt(random) {
      const spoiled = spoiledJson(text, random);
      return async () => {
        writeFileSync(join(folder, 'run.json'), spoiled);
        await listRunFolders(runs);
        const { outputs, files, graph, targets, scores } = await readRecord(runs, '2026-run');
        for (const { name } of outputs) await readRunFile(runs, '2026-run', name).catch(refusedOnly);
        const { document } = readGraph(JSON.stringify(graph.document), library);
        prepareRun(document, targets ? { targets } : {}, library);
        return [
          files.map(({ location }) => location.trim()),
          scores.map(({ names, values }) => names.concat().length + values.length),
        ];
      };
    },
  };
}

function refusedOnly(error: unknown): void {
  if (!(error instanceof UserError)) throw error;
}

const isTokenizerFile = (name: string) => name.startsWith('tokenizer/');

/** All kinds of content that a stranger may hand to Noiseloom. */
export const fuzzTargets: readonly FuzzTarget[] = [
  graphs(),
  images(),
  records(),
  checkpoints('safetensors', 'safetensors', /^[^/]*\.safetensors$/),
  checkpoints('torch files', 'torch', /\.(pt|pth|ckpt|bin)$/),
  folders('tokenizers', 'tiny-sd15', isTokenizerFile, async (files) => {
    const tokenizer = await loadClipTokenizer(files, '/model/tokenizer');
    tokenizer.encode('a photo of a red circle', 77);
  }),
  folders(
    'configs',
    'tiny-sd15',
    (name) => name.endsWith('.json') && !isTokenizerFile(name),
    (files) => describeModel(files, '/model'),
  ),
];
