import { defineNode, output } from '../defineNode.ts';
import { UserError } from '../errors.ts';
import { type Files, isPlainName, joinPath } from '../files.ts';
import { randomStream } from '../ml/random.ts';
import { expandTemplate, wildcardNames } from '../ml/text/expandTemplate.ts';
import { file, seed, text } from '../params.ts';
import { quote } from '../quote.ts';
import { largest, readText } from '../readWhole.ts';

/** Files that the wildcards of one text may lead to. */
const MOST_FILES = 500;

export const dynamicPrompt = defineNode({
  type: 'input/dynamic-prompt',
  version: 1,
  title: 'Dynamic prompt',
  summary:
    'A prompt with choices that the seed makes: {a|b} one of them, {3::a|b} a three times as often, {2$$a|b|c} two of them, __name__ a line of name.txt; they nest. What was drawn is written down in the run.',
  source: 'the syntax of sd-dynamic-prompts',
  inputs: {},
  params: {
    text: text({
      initial: '',
      multiline: true,
      help: 'The prompt and its choices; a backslash before a brace or a bar makes it a letter.',
    }),
    seed: seed({ initial: 0, help: 'Another seed, other choices. A range of numbers draws several prompts.' }),
    wildcards: file({
      initial: 'wildcards',
      accept: ['txt'],
      folder: true,
      help: 'The folder of the wildcards, one option a line, # before a comment; __animals/cats__ is animals/cats.txt in it. A name without a path is looked for beside the graph, then in the folder of models.',
    }),
  },
  outputs: { prompt: output('text', { help: 'The prompt that was drawn.' }) },
  files: (params) => (wildcardNames(params.text).length > 0 ? [params.wildcards] : []),
  async run(_inputs, params, { files, remark }) {
    const lists = await readLists(files, params.wildcards, params.text);
    const prompt = expandTemplate(params.text, lists, randomStream(params.seed));
    if (prompt !== params.text) remark(`Seed ${params.seed} drew: ${prompt}`);
    return { prompt };
  },
});

/** The options of all wildcards that a text leads to. Throws UserError `NOT_FOUND` or `TOO_LARGE`. */
async function readLists(files: Files, location: string, text: string): Promise<Map<string, readonly string[]>> {
  const lists = new Map<string, readonly string[]>();
  const wanted = wildcardNames(text);
  if (wanted.length === 0) return lists;
  const folder = await files.locate(location);
  for (const name of wanted) {
    if (lists.has(name)) continue;
    if (lists.size === MOST_FILES)
      throw new UserError('TOO_LARGE', `The wildcards lead to more than ${MOST_FILES} files.`);
    const options = await readList(files, folder, name);
    lists.set(name, options);
    wanted.push(...options.flatMap(wildcardNames));
  }
  return lists;
}

/** Throws UserError `NOT_FOUND` that says what the folder holds. */
async function readList(files: Files, folder: string, name: string): Promise<string[]> {
  const path = joinPath(folder, `${name}.txt`);
  if (!isPlainName(name) || (await files.size(path)) === undefined) {
    const names = (await files.list(folder)) ?? [];
    const held =
      names.length === 0
        ? 'it is empty'
        : `it holds ${names.slice(0, 12).join(', ')}${names.length > 12 ? ', ...' : ''}`;
    throw new UserError(
      'NOT_FOUND',
      `There is no wildcard ${quote(name)}: looked for ${quote(name)}.txt in "${folder}"; ${held}.`,
      {
        at: { param: 'text' },
      },
    );
  }
  const lines = (await readText(files, path, largest.config)).split(/\r?\n/).map((line) => line.trim());
  return lines.filter((line) => line !== '' && !line.startsWith('#'));
}
