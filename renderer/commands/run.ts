import { isBoundary, isReroute } from '../../graphs/document/levels.ts';
import { reseed } from '../../graphs/edit/reseed.ts';
import { newSeed } from '../controls/newSeed.ts';
import type { Editor } from '../state/editor.ts';
import { requireEngine } from '../state/engine.ts';
import { editWhole, wholeId } from '../state/graph.ts';
import { isOver, type Run } from '../state/run.ts';
import { pauseRun, run, stopRun } from '../state/running.ts';
import type { Command } from './command.ts';
import { hasNodes, selectedNodes } from './selected.ts';

export const runCommands: readonly Command[] = [
  { name: 'run', menu: 'run', keys: ['Mod+Enter'], inFields: true, perform: (editor) => run(editor) },
  { name: 'runOtherSeeds', menu: 'run', keys: ['Mod+Alt+Enter'], inFields: true, perform: runOtherSeeds },
  {
    name: 'runToHere',
    menu: 'run',
    keys: ['Mod+Shift+Enter'],
    inFields: true,
    enabled: hasNodes,
    perform: runSelection,
  },
  {
    name: 'stop',
    menu: 'run',
    keys: ['Mod+.'],
    inFields: true,
    enabled: (editor) => findLiveRun(editor) !== undefined,
    perform: stop,
  },
  {
    name: 'pause',
    menu: 'run',
    keys: ['Mod+Shift+.'],
    inFields: true,
    enabled: (editor) => (findLiveRun(editor)?.state ?? 'waiting') !== 'waiting',
    perform: pause,
  },
  { name: 'freeMemory', menu: 'run', begins: true, perform: (editor) => requireEngine(editor).clearCache() },
  { name: 'restartEngine', menu: 'run', perform: ({ desktop }) => desktop.restartEngine() },
];

/** Runs to the selected nodes. Reroutes and ports do nothing of their own. */
async function runSelection(editor: Editor): Promise<void> {
  const state = editor.graph.getState();
  const targets = selectedNodes(editor).filter((id) => {
    const node = state.document.nodes[id]!;
    return !isReroute(node) && !isBoundary(node);
  });
  if (targets.length === 0) return;
  await run(
    editor,
    targets.map((id) => wholeId(state, id)),
  );
}

/** Draws every seed of the graph anew and runs it: more images of the same. */
async function runOtherSeeds(editor: Editor): Promise<void> {
  editWhole(editor.graph, (whole) => reseed(whole, editor.graph.getState().library, newSeed));
  await run(editor);
}

/** The run that is live, or else the first in the queue. */
function findLiveRun({ runs }: Editor): Run | undefined {
  return runs.getState().runs.find((run) => !isOver(run));
}

async function stop(editor: Editor): Promise<void> {
  const live = findLiveRun(editor);
  if (live) await stopRun(editor, live.id);
}

async function pause(editor: Editor): Promise<void> {
  const live = findLiveRun(editor);
  if (live) await pauseRun(editor, live);
}
