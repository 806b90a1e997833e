import type { EngineState } from '../../electron/host/ipc.ts';
import { attempt } from './attempt.ts';
import { keepDrafts } from './drafts.ts';
import type { Editor } from './editor.ts';
import { openFile } from './files.ts';
import { createGraphStore, tellProblems } from './graph.ts';
import { findLanguage, learnNodes, speakChosen } from './language.ts';
import { keepSession, reopenSession } from './lastSession.ts';
import { followModels, learnModels } from './models.ts';
import { createRunStore } from './run.ts';
import { dropMended, followRuns } from './running.ts';
import type { Shell } from './shell.ts';
import { createTabStore } from './tabs.ts';
import { createViewStore, notify } from './view.ts';

/** The template that a first start opens. */
const FIRST_TEMPLATE = 'first-image';

/** Creates the editor of a window and connects it to its shell. */
export function createEditor(shell: Shell): Editor {
  const graph = createGraphStore();
  const editor: Editor = {
    desktop: shell.desktop,
    takeFile: shell.takeFile,
    graph,
    runs: createRunStore(),
    view: createViewStore(),
    tabs: createTabStore(graph.getState().draft),
    engine: undefined,
    canvas: undefined,
  };
  let told: EngineState = editor.view.getState().engine;
  /** An engine is ready when this window is connected to it: a run that is asked for before would fail. */
  const showEngine = () =>
    editor.view.setState({ engine: told.state === 'ready' && !editor.engine ? { state: 'starting' } : told });
  let isFirst = true;
  // a window that is English unless a preference says otherwise is drawn at once
  if (findLanguage('system') === 'en') editor.view.setState({ spoken: 'en' });
  const spoken = attempt(editor, async () => {
    const [about, preferences] = await Promise.all([shell.desktop.about(), shell.desktop.readPreferences()]);
    const { theme, device, previews, autosave, memoryShare, language } = preferences;
    editor.view.setState({ about, theme, device, previews, autosave, memoryShare, language });
  }).then(() => speakChosen(editor));
  shell.onEngine((engine) => {
    editor.engine = engine;
    showEngine();
    void attempt(editor, async () => {
      await spoken;
      await learnNodes(editor, engine);
      await followRuns(editor, engine);
      if (isFirst) await begin(editor);
      isFirst = false;
    });
  });
  shell.listen((event) => {
    if (event.type === 'engine') {
      told = event.engine;
      if (told.state === 'stopped' || told.state === 'starting') editor.engine = undefined;
      showEngine();
    } else if (event.type === 'open') void attempt(editor, () => openFile(editor, event.file));
    else if (event.type === 'notice') notify(editor.view, { kind: 'warning', text: event.text });
    else if (event.type === 'native') editor.view.setState({ native: event.native });
    else if (event.type === 'pull') {
      editor.view.setState(({ pulls }) => ({ pulls: { ...pulls, [event.pull.name]: event.pull } }));
      if (event.pull.state === 'done') void learnModels(editor);
    }
  });
  keepDrafts(editor);
  followModels(editor);
  editor.graph.subscribe(({ whole }, before) => whole !== before.whole && dropMended(editor));
  editor.view.subscribe(({ models }, before) => models !== before.models && dropMended(editor));
  editor.view.subscribe(({ problems }, before) => problems && !before.problems && tellProblems(editor.graph));
  return editor;
}

/** Opens the graphs of the last session, or the first template where there is none. */
async function begin(editor: Editor): Promise<void> {
  const { draft } = editor.graph.getState();
  await reopenSession(editor);
  if (editor.graph.getState().draft === draft) {
    const templates = await editor.desktop.listTemplates();
    const template = templates.find(({ name }) => name === FIRST_TEMPLATE) ?? templates[0];
    if (template) await openFile(editor, { name: template.title, text: template.text });
  }
  keepSession(editor);
}
