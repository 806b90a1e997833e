import { describe, expect, it } from 'vitest';
import { listTemplates } from '../../../electron/files/templates.ts';
import { library } from '../../../nodes/index.ts';
import { findLanguage } from '../../../renderer/state/language.ts';
import * as de from '../../../renderer/state/languages/de/messages.ts';
import * as deNodes from '../../../renderer/state/languages/de/nodeTexts.ts';
import * as es from '../../../renderer/state/languages/es/messages.ts';
import * as esNodes from '../../../renderer/state/languages/es/nodeTexts.ts';
import * as ja from '../../../renderer/state/languages/ja/messages.ts';
import * as jaNodes from '../../../renderer/state/languages/ja/nodeTexts.ts';
import * as zh from '../../../renderer/state/languages/zh-Hans/messages.ts';
import * as zhNodes from '../../../renderer/state/languages/zh-Hans/nodeTexts.ts';
import { messages as english } from '../../../renderer/state/messages.ts';

/*
 * Each language says all that English says: of every text, of every argument, of every node.
 */

const languages = {
  'zh-Hans': { ...zh, ...zhNodes },
  ja: { ...ja, ...jaNodes },
  de: { ...de, ...deNodes },
  es: { ...es, ...esNodes },
};
type Spoken = keyof typeof languages;
const tags = Object.keys(languages) as Spoken[];
const cards = [...library.values()];

/** Every text of a table by its path; words that stand for values are each language's own. */
function leavesOf(table: object, path = ''): [path: string, leaf: unknown][] {
  return Object.entries(table).flatMap(([key, value]): [string, unknown][] => {
    const here = path === '' ? key : `${path}.${key}`;
    if (here === 'controls.words') return [];
    return typeof value === 'object' ? leavesOf(value, here) : [[here, value]];
  });
}

/** What texts with arguments are called with here, by their path; all others take signs that are seen in what they say. */
const given: Readonly<Record<string, readonly (readonly unknown[])[]>> = {
  'app.about': [
    ['<1>', 'desktop'],
    ['<1>', 'browser'],
  ],
  'canvas.sameSide': [['source'], ['target']],
  'node.input': ['one', 'optional', 'many'].map((count) => ['<1>', '<2>', count, '<4>']),
  'node.output': [true, false].map((list) => ['<1>', '<2>', list, '<4>']),
  'settings.binContent': [
    [2, '<2>'],
    [0, ''],
  ],
  'settings.share': [[0.25]],
  'run.summary': [['<1>', '<2>', 3, 41]],
  'controls.tokens': [
    [5, 75, 1],
    [5, 75, 2],
  ],
  'models.pullAll': [
    [1, undefined],
    [2, '<2>'],
  ],
  'run.curve': [[['<1>', '<2>']]],
  'models.missing': [[['<1>', '<2>']]],
  'models.usedBy': [[['<1>', '<2>']]],
};
const counting =
  /^(app\.(problems|silent)|inspector\.(several|summary)|node\.more|run\.queue|results\.(more|selected|zoom\.percent)|queue\.open|gallery\.(count|more|paramsSet|removed)|models\.(severalMissing|steps)|nodes\.subgraphSummary)$/;

/** The arguments of a text with arguments: signs that are unlike any text, or numbers where it counts. */
function argumentsOf(path: string, text: (...args: never[]) => string): readonly (readonly unknown[])[] {
  if (given[path]) return given[path];
  const places = Array.from({ length: text.length }, (_, i) => i + 1);
  if (counting.test(path)) return [0, 1, 7].map((count) => places.map((place) => count + 10 * (place - 1)));
  if (path === 'models.planned') return [1, 7].map((files) => ['<1>', files]);
  if (path === 'results.copyOf') return [['<1>', 7, 42]];
  return [places.map((place) => `<${place}>`)];
}

const shown = (text: string) => [...text.matchAll(/<\d>|\d+/g)].map(([sign]) => sign).sort();

describe.each(tags)('%s', (tag) => {
  const { messages, nodeTexts } = languages[tag];
  const own = new Map(leavesOf(messages));
  const all = leavesOf(english).filter(([path]) => path !== 'controls.must');

  it('has every text of English and no other, none of them empty', () => {
    expect([...own.keys()].sort()).toEqual(
      leavesOf(english)
        .map(([path]) => path)
        .sort(),
    );
    for (const [path, text] of own) if (typeof text === 'string') expect(text.trim(), path).not.toBe('');
  });

  it('says every argument that English says', () => {
    for (const [path, text] of all) {
      const mine = own.get(path);
      expect(typeof mine, path).toBe(typeof text);
      if (typeof text !== 'function' || typeof mine !== 'function') continue;
      for (const args of argumentsOf(path, text as never)) {
        const said = mine(...args);
        expect(said.trim(), path).not.toBe('');
        if (args.includes(0)) continue; // "no problems", "empty"
        const signs = (each: string) => shown(each).filter((sign) => sign !== '1'); // which may be "the image"
        expect(signs(said), `${path}: ${said}`).toEqual(signs(text(...args)));
      }
    }
  });

  it('says what each param of each node allows', () => {
    for (const { type, params } of cards) {
      for (const [name, param] of Object.entries(params)) {
        const said = messages.controls.must(param);
        expect(said, `${type} ${name}`).toMatch(/[.。]$/);
        const bounds = 'min' in param ? [param.min, param.max] : 'options' in param ? param.options : [];
        for (const bound of bounds) expect(said, `${type} ${name}`).toContain(String(bound));
      }
    }
  });

  it('has words only for options, values and units that there are', () => {
    const used = new Set(
      cards.flatMap(({ params }) =>
        Object.values(params).flatMap((param) => [
          ...('options' in param ? param.options : []),
          ...('words' in param ? Object.keys(param.words ?? {}) : []),
          ...('unit' in param && param.unit ? [param.unit] : []),
        ]),
      ),
    );
    const { words } = messages.controls;
    for (const word of Object.keys(english.controls.words)) expect(words[word], word).toBeTruthy();
    expect(Object.keys(words).filter((word) => !used.has(word))).toEqual([]);
    for (const [word, said] of Object.entries(words)) expect(said.trim(), word).not.toBe('');
  });

  it('has a title and a summary of every node, and no other', () => {
    expect(Object.keys(nodeTexts.cards).sort()).toEqual([...library.keys()].sort());
    const titles = Object.values(nodeTexts.cards).map(([title]) => title);
    expect(new Set(titles).size).toBe(titles.length);
    for (const [type, [title, summary]] of Object.entries(nodeTexts.cards)) {
      expect(title.trim(), type).not.toBe('');
      expect(title, type).not.toMatch(/[.。]$/);
      expect(summary, type).toMatch(/[.。]$/);
    }
  });

  it('names every input, param, output and type of wire', () => {
    const names = new Set(
      cards.flatMap(({ inputs, params, outputs }) => [
        ...Object.keys({ ...inputs, ...params, ...outputs }),
        ...[...Object.values(inputs), ...Object.values(outputs)].map(({ type }) => type),
      ]),
    );
    expect(Object.keys(nodeTexts.names).sort()).toEqual([...names].sort());
    for (const [name, said] of Object.entries(nodeTexts.names)) expect(said.trim(), name).not.toBe('');
  });

  it('says what every template is for', async () => {
    const templates = await listTemplates();
    for (const { name, summary } of templates) expect(summary, name).toMatch(/\.$/);
    expect(Object.keys(nodeTexts.templates).sort()).toEqual(templates.map(({ name }) => name).sort());
    for (const [name, said] of Object.entries(nodeTexts.templates)) expect(said, name).toMatch(/[.。]$/);
  });

  it('keeps names of papers and methods, and what prompts are written with', () => {
    const kept =
      /ReNO|FIND|SPSA|ZO-RankSGD|PBT|HPSv2|PickScore|ImageReward|CLIP|LoRA|ControlNet|TAESD|VAE|SSIM|\{3::a\|b\}|__name__/g;
    for (const { type, title, summary } of cards) {
      const said = nodeTexts.cards[type]!.join(' ');
      for (const [name] of `${title} ${summary}`.matchAll(kept)) expect(said, type).toContain(name);
    }
  });
});

it('finds the language that was chosen, or the first of the system that the window speaks', () => {
  expect(findLanguage('ja', ['de'])).toBe('ja');
  expect(findLanguage('system', ['de-AT', 'en'])).toBe('de');
  expect(findLanguage('system', ['fr-FR', 'es-MX', 'en'])).toBe('es');
  expect(findLanguage('system', ['zh-CN'])).toBe('zh-Hans');
  expect(findLanguage('system', ['zh-TW', 'en-US'])).toBe('en');
  expect(findLanguage('system', ['fr'])).toBe('en');
  expect(findLanguage('system', [])).toBe('en');
});
