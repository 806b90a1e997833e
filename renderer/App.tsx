import { useEffect, useState } from 'react';
import { Canvas } from './canvas/Canvas.tsx';
import { copySelection } from './commands/clipboard.ts';
import { findCommandForKey, perform } from './commands/commands.ts';
import { addPrompt, takeFiles } from './commands/drop.ts';
import { pasteText } from './commands/insert.ts';
import { listMenus } from './commands/menuBar.ts';
import { removeSelection } from './commands/remove.ts';
import { isField } from './controls/isField.ts';
import { isMac } from './controls/isMac.ts';
import { Overlays } from './dialogs/Overlays.tsx';
import { FormPage } from './panels/FormPage.tsx';
import { Inspector } from './panels/Inspector.tsx';
import { Notices } from './panels/Notices.tsx';
import { Problems } from './panels/Problems.tsx';
import { QueuePanel } from './panels/QueuePanel.tsx';
import { SidePanel } from './panels/SidePanel.tsx';
import { TabBar } from './panels/TabBar.tsx';
import { TopBar } from './panels/TopBar.tsx';
import { RunsPage } from './runs/RunsPage.tsx';
import { attempt } from './state/attempt.ts';
import { type Editor, useEditor, useGraph, useView } from './state/editor.ts';
import { isUnsaved, levelName } from './state/graph.ts';
import { language, messages } from './state/messages.ts';
import { nameTab } from './state/tabs.ts';

/** The whole window. */
export function App() {
  const editor = useEditor();
  const page = useView((state) => state.page);
  const inspector = useView((state) => state.inspector);
  const problems = useView((state) => state.problems);
  const theme = useView((state) => state.theme);
  const level = useGraph(levelName);
  const isDropping = useDrops(editor);
  useKeys(editor);
  const name = useGraph((state) => `${isUnsaved(state) ? '● ' : ''}${nameTab(state)} – ${messages.app.name}`);
  useEffect(() => {
    document.title = name;
  }, [name]);
  useEffect(() => {
    document.documentElement.lang = language;
  }, []);
  useEffect(() => {
    document.documentElement.dataset.theme = theme;
  }, [theme]);
  return (
    <div className="app">
      <TopBar />
      {page === 'graph' ? (
        <div className="graph-page">
          <SidePanel />
          <div className="graph-middle">
            <TabBar />
            <Canvas key={level} />
            {problems && <Problems />}
          </div>
          {inspector && <Inspector />}
        </div>
      ) : page === 'runs' ? (
        <RunsPage />
      ) : (
        <FormPage />
      )}
      <QueuePanel />
      <Overlays />
      <Notices />
      {isDropping && <p className="drop-hint">{messages.app.dropHere}</p>}
    </div>
  );
}

/** Keys, the clipboard and the menu of the application do what the table of commands says. */
function useKeys(editor: Editor): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.defaultPrevented || editor.view.getState().overlay) return;
      const command = findCommandForKey(event, isField(event.target), isMac);
      const onControl =
        event.target instanceof HTMLElement &&
        event.target.closest('button, a, [role=menu], [role=menubar], [role=tablist]');
      if (
        !command ||
        (event.key === 'Tab' && !isOnCanvas(event.target)) ||
        (onControl && /^(Enter| )$/.test(event.key) && !event.ctrlKey && !event.metaKey)
      )
        return;
      if (command.enabled?.(editor) === false) return;
      event.preventDefault();
      if (isInCanvas(event.target) && !isField(event.target)) event.stopPropagation();
      perform(editor, command.name);
    };
    // React Flow takes some keys of a focused node for itself: Ctrl-Enter would deselect the node that is to be run
    const onKeyInCanvas = (event: KeyboardEvent) => isInCanvas(event.target) && onKey(event);
    const onKeyElsewhere = (event: KeyboardEvent) => isInCanvas(event.target) || onKey(event);
    const onCopy = (event: ClipboardEvent) => {
      const isText = isField(event.target) || getSelection()?.isCollapsed === false;
      const text = isText || editor.view.getState().overlay ? undefined : copySelection(editor);
      if (!text) return;
      event.clipboardData?.setData('text/plain', text);
      event.preventDefault();
      if (event.type === 'cut') removeSelection(editor, { rejoin: true });
    };
    const onPaste = (event: ClipboardEvent) => {
      const text = event.clipboardData?.getData('text/plain');
      const files = [...(event.clipboardData?.files ?? [])];
      if (isField(event.target) || editor.view.getState().overlay || (!text && files.length === 0)) return;
      event.preventDefault();
      const at = editor.canvas?.pointer();
      void attempt(editor, () =>
        files.length > 0 ? takeFiles(editor, files, at ?? { x: 0, y: 0 }) : pasteText(editor, text ?? '', at),
      );
    };
    addEventListener('keydown', onKeyInCanvas, true);
    addEventListener('keydown', onKeyElsewhere);
    addEventListener('copy', onCopy);
    addEventListener('cut', onCopy);
    addEventListener('paste', onPaste);
    void editor.desktop.setMenu(listMenus());
    return () => {
      removeEventListener('keydown', onKeyInCanvas, true);
      removeEventListener('keydown', onKeyElsewhere);
      removeEventListener('copy', onCopy);
      removeEventListener('cut', onCopy);
      removeEventListener('paste', onPaste);
    };
  }, [editor]);
}

/** Tab moves the focus everywhere except on the canvas and what lies on it, where it opens the search for nodes. */
function isOnCanvas(target: EventTarget | null): boolean {
  const ground = '.canvas, .react-flow, .react-flow__pane, .react-flow__node, .react-flow__edge, .react-flow__edges *';
  return target === document.body || (target instanceof Element && target.matches(ground));
}

function isInCanvas(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest('.react-flow') !== null;
}

/** Files and texts that are dropped on the window are taken in where the pointer is. */
function useDrops(editor: Editor): boolean {
  const [isDropping, setDropping] = useState(false);
  useEffect(() => {
    const over = (event: DragEvent) => {
      const types = event.dataTransfer?.types ?? [];
      if (!types.includes('Files') && !(types.includes('text/plain') && isGround(event.target))) return;
      event.preventDefault();
      setDropping(types.includes('Files'));
    };
    const leave = (event: DragEvent) => {
      if (!event.relatedTarget) setDropping(false);
    };
    const drop = (event: DragEvent) => {
      setDropping(false);
      const files = [...(event.dataTransfer?.files ?? [])];
      const text = files.length === 0 && isGround(event.target) ? event.dataTransfer?.getData('text/plain') : undefined;
      if (event.defaultPrevented || (files.length === 0 && !text)) return;
      event.preventDefault();
      const at = editor.canvas?.placeAt({ x: event.clientX, y: event.clientY }) ?? { x: 0, y: 0 };
      void attempt(editor, () => (text ? addPrompt(editor, text, at) : takeFiles(editor, files, at)));
    };
    addEventListener('dragover', over);
    addEventListener('dragleave', leave);
    addEventListener('drop', drop);
    return () => {
      removeEventListener('dragover', over);
      removeEventListener('dragleave', leave);
      removeEventListener('drop', drop);
    };
  }, [editor]);
  return isDropping;
}

/** Whether a text can be dropped at a place: on the canvas, but not in a field of it. */
function isGround(target: EventTarget | null): boolean {
  return isInCanvas(target) && !isField(target);
}
