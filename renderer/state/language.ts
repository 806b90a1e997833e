import type { Preferences } from '../../electron/host/ipc.ts';
import type { QueuedEngine } from '../../graphs/engine/queue.ts';
import { UserError } from '../../nodes/errors.ts';
import { attempt } from './attempt.ts';
import type { Editor } from './editor.ts';
import { learnCards } from './graph.ts';
import { type Messages, messages, type NodeTexts, speak } from './messages.ts';
import { translateCard } from './nodeCards.ts';

export type Language = Exclude<Preferences['language'], 'system'>;

/** The languages of the window, each by the name that its speakers give it. */
export const languages: Readonly<Record<Language, string>> = {
  en: 'English',
  'zh-Hans': '简体中文',
  ja: '日本語',
  de: 'Deutsch',
  es: 'Español',
};

type Texts = readonly [messages: { readonly messages: Messages }, nodes: { readonly nodeTexts: NodeTexts }];

/** Reads the texts of a language when it is chosen; those of English are there from the start. */
const readers: Readonly<Record<Exclude<Language, 'en'>, () => Promise<Texts>>> = {
  'zh-Hans': () => Promise.all([import('./languages/zh-Hans/messages.ts'), import('./languages/zh-Hans/nodeTexts.ts')]),
  ja: () => Promise.all([import('./languages/ja/messages.ts'), import('./languages/ja/nodeTexts.ts')]),
  de: () => Promise.all([import('./languages/de/messages.ts'), import('./languages/de/nodeTexts.ts')]),
  es: () => Promise.all([import('./languages/es/messages.ts'), import('./languages/es/nodeTexts.ts')]),
};

/** The texts of a language; undefined of English. Throws UserError `NO_LANGUAGE` where they cannot be read. */
async function readTexts(language: Language): Promise<Texts | undefined> {
  if (language === 'en') return undefined;
  try {
    return await readers[language]();
  } catch {
    throw new UserError('NO_LANGUAGE', messages.settings.noLanguage(languages[language]));
  }
}

/** The language that was chosen, else the first of the system's that the window speaks, else English. */
export function findLanguage(chosen: Preferences['language'], system = systemLanguages()): Language {
  if (chosen !== 'system') return chosen;
  for (const tag of system) {
    const { language, script } = new Intl.Locale(tag).maximize();
    const known = Object.keys(languages) as Language[];
    const spoken = known.find((each) => each === language || each === `${language}-${script}`);
    if (spoken) return spoken;
  }
  return 'en';
}

/** The languages of the system, its first choice first; none where they are not known. */
function systemLanguages(): readonly string[] {
  return globalThis.navigator?.languages ?? [];
}

/** Speaks the language that is chosen from now on; `ViewState.spoken` tells when, so that the window is drawn anew. */
export async function speakChosen(editor: Editor): Promise<void> {
  const { view } = editor;
  const wanted = () => findLanguage(view.getState().language);
  const language = wanted();
  if (language === view.getState().spoken) return;
  await attempt(editor, async () => {
    const texts = await readTexts(language);
    if (language !== wanted()) return; // another was chosen meanwhile
    speak(language, texts?.[0].messages, texts?.[1].nodeTexts);
    try {
      if (editor.engine) await learnNodes(editor, editor.engine);
    } finally {
      view.setState({ spoken: language });
    }
    if (language !== wanted()) await speakChosen(editor); // another was chosen while a busy engine described its nodes
  });
  if (view.getState().spoken === undefined) view.setState({ spoken: 'en' });
}

/** Learns the nodes of an engine, described in the language of the window. */
export async function learnNodes(editor: Editor, engine: QueuedEngine): Promise<void> {
  const cards = await engine.describeNodes();
  learnCards(editor.graph, cards.map(translateCard));
}
