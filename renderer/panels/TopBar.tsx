import { Menu } from '@base-ui/react/menu';
import { Menubar } from '@base-ui/react/menubar';
import { ListOrdered, Pause, Play, Square, StepForward, TriangleAlert } from 'lucide-react';
import { renameGraph } from '../../graphs/edit/edit.ts';
import { CommandItems } from '../commands/CommandItems.tsx';
import { menus, perform } from '../commands/commands.ts';
import { formatKeys } from '../commands/keys.ts';
import { focusCanvas } from '../controls/focusCanvas.ts';
import { isMac } from '../controls/isMac.ts';
import { TitleField } from '../controls/TitleField.tsx';
import { useEditor, useGraph, useRuns, useStandingProblems, useView } from '../state/editor.ts';
import { editWhole, isUnsaved } from '../state/graph.ts';
import { messages } from '../state/messages.ts';
import { isOver } from '../state/run.ts';

export function TopBar() {
  const { view } = useEditor();
  const page = useView((state) => state.page);
  const problems = useGraph((state) => state.told.length);
  const ofRun = useStandingProblems().length;
  return (
    <header className="top-bar">
      <Menus />
      <Title />
      <div className="pages" role="tablist" aria-label={messages.app.name}>
        {(['graph', 'runs', 'form'] as const).map((name) => (
          <button
            key={name}
            type="button"
            role="tab"
            aria-selected={page === name}
            onClick={() => view.setState({ page: name })}
          >
            {messages.app.pages[name]}
          </button>
        ))}
      </div>
      <div className="top-end">
        <Engine />
        {problems + ofRun > 0 && (
          <button
            type="button"
            className="quiet-button"
            onClick={() => view.setState(({ problems: shown }) => ({ problems: !shown, page: 'graph' }))}
          >
            <TriangleAlert size={16} aria-hidden /> {messages.app.problems(problems + ofRun)}
          </button>
        )}
        <RunButton />
      </div>
    </header>
  );
}

function Menus() {
  return (
    <Menubar className="menu-bar" aria-label={messages.app.menu}>
      {menus.map(({ name, commands }) => (
        <Menu.Root key={name}>
          <Menu.Trigger className="menu-trigger">{messages.menus[name]}</Menu.Trigger>
          <Menu.Portal>
            <Menu.Positioner sideOffset={4} align="start" className="menu-positioner">
              <Menu.Popup className="menu" finalFocus={focusCanvas}>
                <CommandItems commands={commands} />
              </Menu.Popup>
            </Menu.Positioner>
          </Menu.Portal>
        </Menu.Root>
      ))}
    </Menubar>
  );
}

function Title() {
  const { graph, view } = useEditor();
  const title = useGraph((state) => state.whole.title);
  const unsaved = useGraph(isUnsaved);
  const naming = useView((state) => state.naming?.kind === 'graph');
  if (naming) {
    return (
      <TitleField
        className="field graph-title"
        label={messages.inspector.graphTitle}
        title={title}
        onChange={(name) => editWhole(graph, (whole) => renameGraph(whole, name), 'graph title')}
      />
    );
  }
  return (
    <h1 className="graph-title" title={title} onDoubleClick={() => view.setState({ naming: { kind: 'graph' } })}>
      {title}
      {unsaved && (
        <span className="unsaved" role="img" title={messages.app.unsaved} aria-label={messages.app.unsaved}>
          ●
        </span>
      )}
    </h1>
  );
}

function Engine() {
  const editor = useEditor();
  const engine = useView((state) => state.engine);
  switch (engine.state) {
    case 'ready':
      return (
        <span className="device" title={engine.device.description}>
          {engine.device.name}
        </span>
      );
    case 'starting':
      return <span className="device">{messages.app.starting}</span>;
    default: {
      const text = engine.state === 'silent' ? messages.app.silent(engine.seconds) : engine.problem.message;
      return (
        <span className="device bad" role="status" title={engine.state === 'silent' ? messages.app.silentHelp : text}>
          <span>{text}</span>
          <button type="button" className="text-button" onClick={() => perform(editor, 'restartEngine')}>
            {messages.app.restart}
          </button>
        </span>
      );
    }
  }
}

function RunButton() {
  const editor = useEditor();
  const { view } = editor;
  const queue = useView((state) => state.queue);
  const stopping = useRuns(({ runs }) => runs.find((run) => !isOver(run))?.stopping === true);
  const live = useRuns(({ runs }) => runs.filter((run) => !isOver(run)).length);
  const ready = useView(({ engine }) => engine.state === 'ready' || engine.state === 'silent');
  const state = useRuns(({ runs }) => runs.find((run) => !isOver(run))?.state);
  return (
    <>
      {live > 0 && (
        <button
          type="button"
          className="quiet-button"
          aria-expanded={queue}
          onClick={() => view.setState(({ queue }) => ({ queue: !queue }))}
        >
          <ListOrdered size={16} aria-hidden /> {live > 1 ? messages.run.queue(live - 1) : messages.queue.name}
        </button>
      )}
      {(state === 'running' || state === 'paused') && (
        <button type="button" className="button" onClick={() => perform(editor, 'pause')}>
          {state === 'paused' ? <StepForward size={14} aria-hidden /> : <Pause size={14} aria-hidden />}{' '}
          {messages.run[state === 'paused' ? 'resume' : 'pause']}
        </button>
      )}
      {live > 0 && (
        <button type="button" className="button" disabled={stopping} onClick={() => perform(editor, 'stop')}>
          <Square size={14} aria-hidden /> {stopping ? messages.run.stopping : messages.commands.stop}
        </button>
      )}
      <button
        type="button"
        className="button primary"
        disabled={!ready}
        title={formatKeys('Mod+Enter', isMac)}
        onClick={() => perform(editor, 'run')}
      >
        <Play size={14} aria-hidden /> {messages.commands.run}
      </button>
    </>
  );
}
