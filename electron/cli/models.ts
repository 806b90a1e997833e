import { join } from 'node:path';
import type { Command } from 'commander';
import { collect } from './collect.ts';
import { abortOnInterrupt } from './interrupt.ts';
import { showProgress } from './progress.ts';
import { bytesInWords, columns, print, printJson, remark } from './terminal.ts';
import { UsageError } from './usageError.ts';

interface PullFlags {
  readonly variant?: string;
  readonly file?: readonly string[];
  readonly revision: string;
  readonly endpoint?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

export function addModelsCommand(program: Command): void {
  const models = program
    .command('models')
    .summary('list and download models')
    .description('Lists and downloads models.');
  models
    .command('list')
    .description('Lists the models that are built in and those in the models folder.')
    .option('--json', 'print JSON')
    .action(list);
  models
    .command('path')
    .description('Prints the models folder; the variable NOISELOOM_MODELS chooses another.')
    .action(async () => print((await import('../files/folders.ts')).modelsFolder()));
  models
    .command('pull')
    .description('Downloads a model from the Hugging Face hub; resumes an interrupted download.')
    .argument('<name>', 'owner/name on the hub, e.g. stabilityai/sd-turbo')
    .option('--variant <variant>', 'take weights of this variant where there are some, e.g. fp16')
    .option('--file <path>', 'download exactly this file (repeat for more)', collect)
    .option('--revision <name>', 'a branch, tag or commit', 'main')
    .option('--endpoint <url>', 'another hub; by default HF_ENDPOINT, else https://huggingface.co')
    .option('-n, --dry-run', 'print the files and their size only')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', '\nFor models behind a licence, put an access token of the hub into HF_TOKEN.')
    .action(pull);
}

async function list({ json }: { readonly json?: boolean }): Promise<void> {
  const [{ fileFolders }, { listModels }] = await Promise.all([
    import('../files/folders.ts'),
    import('../models/localModels.ts'),
  ]);
  const models = await listModels(fileFolders(process.cwd()));
  if (json) printJson(models);
  else if (models.length === 0) remark('No models yet. Download one with: noiseloom models pull stabilityai/sd-turbo');
  else print(columns(models.map(({ name, kind, bytes, path }) => [name, kind ?? '', bytesInWords(bytes), path])));
}

async function pull(name: string, flags: PullFlags): Promise<void> {
  const [{ modelsFolder }, { openHubModel, sumSizes, usualHub }, { chooseFiles, findFiles }, { freeDisk, pullModel }] =
    await Promise.all([
      import('../files/folders.ts'),
      import('../models/hub.ts'),
      import('../models/chooseFiles.ts'),
      import('../models/pullModel.ts'),
    ]);
  const hub = usualHub(flags.endpoint);
  if (!URL.canParse(hub.endpoint))
    throw new UsageError(`"${hub.endpoint}" is no URL of a hub; it looks like https://huggingface.co.`);
  const model = await openHubModel(hub, name, flags.revision);
  const files = flags.file ? findFiles(model, flags.file) : chooseFiles(model, flags.variant);
  const folder = modelsFolder();
  const bytes = sumSizes(files);
  remark(`${name} at ${model.commit.slice(0, 8)}: ${files.length} files, ${bytesInWords(bytes)}`);
  remark(`To ${join(folder, name)}, where ${bytesInWords(await freeDisk(folder))} are free`);
  const result = { type: 'result', ok: true, name, commit: model.commit, bytes, files };
  if (flags.dryRun) {
    if (flags.json) printJson({ ...result, status: 'dry-run' });
    else print(columns(files.map(({ path, size }) => [path, bytesInWords(size)])));
    return;
  }
  const progress = showProgress(process.stderr);
  progress.start(name);
  try {
    const emit = ({ file, done, total }: { file: string; done: number; total: number }) =>
      progress.update(total === 0 ? 1 : done / total, `${bytesInWords(done)} of ${bytesInWords(total)}  ${file}`);
    const path = await pullModel(hub, model, files, folder, { signal: (await abortOnInterrupt()).signal, emit });
    progress.end(`Every file has the hash that the hub lists.`);
    if (flags.json) printJson({ ...result, status: 'done', path });
    else print(path);
  } finally {
    progress.stop();
  }
}
