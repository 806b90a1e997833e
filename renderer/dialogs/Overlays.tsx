import { Dialog } from '@base-ui/react/dialog';
import { Download } from 'lucide-react';
import { type ReactNode, useEffect, useState } from 'react';
import type { DeviceRow, Draft } from '../../electron/host/ipc.ts';
import type { GraphNode } from '../../graphs/document/document.ts';
import { titleOf } from '../../graphs/document/errors.ts';
import { levelCards, levelOf, subgraphAt, subgraphOf } from '../../graphs/document/levels.ts';
import { connect } from '../../graphs/edit/edit.ts';
import type { NodeCard } from '../../nodes/card.ts';
import { fitting, wiresFor } from '../canvas/fitting.ts';
import { wordsOf } from '../canvas/NodeView.tsx';
import { addNodeAt, commandOf, commands, goTo, keysText, type MenuName, perform } from '../commands/commands.ts';
import { type Choice, SearchList } from '../controls/SearchList.tsx';
import { useEditor, useGraph, useView } from '../state/editor.ts';
import { editGraph } from '../state/graph.ts';
import { bytesOf, messages } from '../state/messages.ts';
import { attempt, closeWindow, openFile, save, saveUnder } from '../state/session.ts';
import type { Overlay, Point } from '../state/view.ts';

const isMac = navigator.platform.startsWith('Mac');

/** What lies over the window: one thing at a time, closed by Escape or a click beside it. */
export function Overlays() {
  const { view } = useEditor();
  const overlay = useView((state) => state.overlay);
  const close = () => view.setState({ overlay: undefined });
  if (!overlay) return null;
  return (
    <Dialog.Root key={overlay.kind} open onOpenChange={(open) => !open && close()}>
      <Dialog.Portal>
        <Dialog.Backdrop className={overlay.kind === 'addNode' ? 'backdrop clear' : 'backdrop'} />
        <Shown overlay={overlay} close={close} />
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function Shown({ overlay, close }: { overlay: Overlay; close(): void }) {
  switch (overlay.kind) {
    case 'addNode':
      return <AddNode overlay={overlay} close={close} />;
    case 'commands':
      return <Commands close={close} />;
    case 'connect':
      return <Connect overlay={overlay} close={close} />;
    case 'findNode':
      return <FindNode close={close} />;
    case 'shortcuts':
      return <Shortcuts />;
    case 'settings':
      return <Settings />;
    case 'about':
      return <About />;
    case 'saveAs':
      return <SaveAs close={close} />;
    case 'drafts':
      return <Drafts close={close} />;
    case 'closing':
      return <Closing close={close} />;
    case 'discard':
      return <Discard then={overlay.then} close={close} />;
  }
}

function Box({ title, wide, children }: { title: string; wide?: boolean; children: ReactNode }) {
  return (
    <Dialog.Popup className={wide ? 'dialog wide' : 'dialog'}>
      <header className="panel-head">
        <Dialog.Title>{title}</Dialog.Title>
        <Dialog.Close className="quiet-button">{messages.app.close}</Dialog.Close>
      </header>
      {children}
    </Dialog.Popup>
  );
}

function AddNode({ overlay, close }: { overlay: Extract<Overlay, { kind: 'addNode' }>; close(): void }) {
  const editor = useEditor();
  const cards = useGraph((state) => state.cards);
  const document = useGraph((state) => state.document);
  const { at, screen, from } = overlay;
  const { cards: fits, type } = fitting(document, cards, from);
  const choices = fits.map(choiceOf);
  const label = type ? messages.search.fits(type) : messages.search.add;
  return (
    <Dialog.Popup className="search-box at-cursor" style={beside(screen)} aria-label={label}>
      <SearchList
        label={label}
        choices={choices}
        onChoose={(key) => {
          const card = cards.get(key);
          close();
          if (card) void attempt(editor, () => addNodeAt(editor, card, at, from));
        }}
      />
    </Dialog.Popup>
  );
}

/** Where a box for a search goes that was asked for at a point of the screen. */
function beside({ x, y }: Point): { left: number; top: number } {
  return { left: Math.max(8, Math.min(x, innerWidth - 336)), top: Math.max(8, Math.min(y, innerHeight - 408)) };
}

/** Every wire that a node can have, to be chosen by its names: wiring without a pointer. */
function Connect({ overlay, close }: { overlay: Extract<Overlay, { kind: 'connect' }>; close(): void }) {
  const { graph } = useEditor();
  const { document, cards } = graph.getState();
  const { node: id, screen } = overlay;
  const titleAt = (node: string) => titleOf(document.nodes[node] as GraphNode, cards);
  const wires = wiresFor(document, cards, id);
  const choices = wires.map(({ wire: [from, output], node, name }, i): Choice => {
    const [out, into] = [wordsOf(output), wordsOf(name)];
    const label =
      from === id
        ? messages.search.wireTo(out, titleAt(node), into)
        : messages.search.wireFrom(into, titleAt(from), out);
    return { key: String(i), label };
  });
  return (
    <Dialog.Popup className="search-box at-cursor" style={beside(screen)} aria-label={messages.commands.connect}>
      <SearchList
        label={messages.search.wires(titleAt(id))}
        choices={choices}
        onChoose={(key) => {
          const chosen = wires[Number(key)];
          close();
          if (chosen) editGraph(graph, (before) => connect(before, cards, chosen.wire, chosen.node, chosen.name));
        }}
      />
    </Dialog.Popup>
  );
}

/** The nodes of the graph and of its subgraphs, to be brought to the middle. */
function FindNode({ close }: { close(): void }) {
  const editor = useEditor();
  const { whole, library } = editor.graph.getState();
  const choicesIn = (path: readonly string[], group: string): Choice[] => {
    const name = subgraphAt(whole, path);
    const [level, cards] = [levelOf(whole, name), levelCards(whole, library, name)];
    return Object.entries(level.nodes).flatMap(([id, node]): Choice[] => {
      const title = titleOf(node, cards);
      const choice = { key: [...path, id].join('/'), label: title, detail: cards.get(node.type)?.summary ?? id, group };
      return [choice, ...(subgraphOf(node) === undefined ? [] : choicesIn([...path, id], title))];
    });
  };
  return (
    <Dialog.Popup className="search-box" aria-label={messages.search.find}>
      <SearchList
        label={messages.search.find}
        choices={choicesIn([], whole.title)}
        onChoose={(called) => {
          close();
          goTo(editor, called);
        }}
      />
    </Dialog.Popup>
  );
}

export function choiceOf({ type, title, summary }: NodeCard): Choice {
  const group = type.slice(0, type.indexOf('/'));
  return { key: type, label: title, detail: summary, group: messages.groups[group] ?? group };
}

function Commands({ close }: { close(): void }) {
  const editor = useEditor();
  const choices = commands.map(
    (command): Choice => ({
      key: command.name,
      label: messages.commands[command.name],
      group: messages.menus[command.menu],
      disabled: command.enabled?.(editor) === false,
      end: command.keys && <kbd>{keysText(command.keys[0] as string, isMac)}</kbd>,
    }),
  );
  return (
    <Dialog.Popup className="search-box" aria-label={messages.search.commands}>
      <SearchList
        label={messages.search.commands}
        choices={choices}
        onChoose={(name) => {
          close();
          const command = commandOf(name);
          if (command) perform(editor, command);
        }}
      />
    </Dialog.Popup>
  );
}

function Shortcuts() {
  return (
    <Box title={messages.shortcuts.name} wide>
      <div className="shortcut-groups">
        {(Object.keys(messages.menus) as MenuName[]).map((menu) => (
          <section key={menu}>
            <h3>{messages.menus[menu]}</h3>
            <dl className="shortcuts">
              {commands
                .filter((command) => command.menu === menu)
                .map(
                  ({ name, keys }) =>
                    keys && (
                      <div key={name}>
                        <dt>{messages.commands[name]}</dt>
                        <dd>
                          {keys.map((key) => (
                            <kbd key={key}>{keysText(key, isMac)}</kbd>
                          ))}
                        </dd>
                      </div>
                    ),
                )}
            </dl>
          </section>
        ))}
        <section>
          <h3>{messages.shortcuts.pointer}</h3>
          <dl className="shortcuts">
            {Object.entries(messages.shortcuts.gestures).map(([gesture, what]) => (
              <div key={gesture}>
                <dt>{what}</dt>
                <dd>
                  <kbd>{gesture}</kbd>
                </dd>
              </div>
            ))}
          </dl>
        </section>
      </div>
    </Box>
  );
}

function Settings() {
  const editor = useEditor();
  const theme = useView((state) => state.theme);
  const device = useView((state) => state.device);
  const current = useView(({ engine }) => (engine.state === 'ready' ? engine.device.name : undefined));
  const setUp = useView(({ native }) => native?.state);
  const fetches = useView(({ about }) => about?.fetchesNative);
  const [devices, setDevices] = useState<readonly DeviceRow[]>([]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a device may have come
  useEffect(
    () => void attempt(editor, async () => setDevices(await editor.desktop.listDevices())),
    [editor, setUp === 'done'],
  );
  const change = (changes: Parameters<typeof editor.desktop.writePreferences>[0]) =>
    attempt(editor, async () => {
      const { theme, device } = await editor.desktop.writePreferences(changes);
      editor.view.setState({ theme, device });
    });
  return (
    <Box title={messages.settings.name}>
      <div className="form">
        <label htmlFor="theme">{messages.settings.theme}</label>
        <select
          id="theme"
          className="field"
          value={theme}
          onChange={({ target }) => void change({ theme: target.value as typeof theme })}
        >
          {Object.entries(messages.settings.themes).map(([name, label]) => (
            <option key={name} value={name}>
              {label}
            </option>
          ))}
        </select>
        <label htmlFor="device">{messages.settings.device}</label>
        <select
          id="device"
          className="field"
          value={device}
          onChange={({ target }) => void change({ device: target.value as typeof device })}
        >
          <option value="auto">{messages.settings.automatic}</option>
          {devices.map(({ name, available, description }) => (
            <option key={name} value={name} disabled={!available} title={description}>
              {name}
            </option>
          ))}
        </select>
        <p className="faint">{messages.settings.deviceHelp}</p>
      </div>
      <ul className="devices">
        {devices.map(({ name, description }) => (
          <li key={name}>
            <b>{name}</b>
            <span className="faint">
              {name === current && <b>{messages.settings.current}: </b>}
              {description}
            </span>
          </li>
        ))}
      </ul>
      {(setUp || (fetches && devices.some(({ name, available }) => name === 'native' && !available))) && (
        <NativeTensorFlow />
      )}
    </Box>
  );
}

/** Fetches the device that is optional because it is large. */
function NativeTensorFlow() {
  const editor = useEditor();
  const native = useView((state) => state.native);
  const { settings, models } = messages;
  const start = (label: string) => (
    <button type="button" className="button" onClick={() => void attempt(editor, () => editor.desktop.setUpNative())}>
      <Download size={14} aria-hidden /> {label}
    </button>
  );
  if (!native) {
    return (
      <section className="form">
        <p>{settings.native}</p>
        {start(settings.setUpNative)}
      </section>
    );
  }
  switch (native.state) {
    case 'running':
      return (
        <section className="form">
          <progress aria-label={settings.setUpNative} max={native.total ?? 1} value={native.total && native.done} />
          <p className="faint">
            {settings.nativeProgress(
              bytesOf(native.done),
              native.total === undefined ? undefined : bytesOf(native.total),
            )}
          </p>
          <button
            type="button"
            className="button"
            onClick={() => void attempt(editor, () => editor.desktop.stopNative())}
          >
            {models.stop}
          </button>
        </section>
      );
    case 'done':
      return (
        <section className="form">
          <p>{settings.nativeReady}</p>
          <button
            type="button"
            className="button primary"
            onClick={() => void attempt(editor, () => editor.desktop.restartEngine())}
          >
            {messages.app.restart}
          </button>
        </section>
      );
    default:
      return (
        <section className="form">
          <p role="alert">{native.state === 'failed' ? native.problem.message : models.stopped}</p>
          {start(models.goOn)}
        </section>
      );
  }
}

function About() {
  const about = useView((state) => state.about);
  if (!about) return null;
  return (
    <Box title={messages.commands.about}>
      <p>{messages.app.about(about.version, about.shell)}</p>
      <dl className="shortcuts">
        {Object.entries({ ...about.versions, ...about.folders }).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </Box>
  );
}

function SaveAs({ close }: { close(): void }) {
  const editor = useEditor();
  const [name, setName] = useState(useGraph((state) => state.name));
  const [exists, setExists] = useState(false);
  const submit = async () => {
    try {
      if (await saveUnder(editor, name, exists)) close();
    } catch (error) {
      if ((error as { code?: string }).code !== 'EXISTS') throw error;
      setExists(true);
    }
  };
  return (
    <Box title={messages.files.saveAs}>
      <form
        className="form"
        onSubmit={(event) => {
          event.preventDefault();
          void attempt(editor, submit);
        }}
      >
        <label htmlFor="file-name">{messages.files.fileName}</label>
        <input
          id="file-name"
          className="field"
          value={name}
          // biome-ignore lint/a11y/noAutofocus: the dialog asks for this alone
          autoFocus
          onFocus={({ target }) => target.select()}
          onChange={({ target }) => {
            setName(target.value);
            setExists(false);
          }}
        />
        {exists && <p role="alert">{messages.files.replace}</p>}
        <button type="submit" className="button primary" disabled={name.trim() === ''}>
          {messages.commands.save}
        </button>
      </form>
    </Box>
  );
}

function Drafts({ close }: { close(): void }) {
  const editor = useEditor();
  const drafts = useView((state) => state.drafts);
  const forget = (draft: Draft) =>
    editor.view.setState(({ drafts }) => ({ drafts: drafts.filter(({ id }) => id !== draft.id) }));
  return (
    <Box title={messages.files.drafts}>
      <p>{messages.files.draftsHelp}</p>
      <ul className="rows">
        {drafts.map((draft) => (
          <li key={draft.id}>
            <span>
              <b>{draft.name}</b> <small className="faint">{new Date(draft.written).toLocaleString()}</small>
            </span>
            <button
              type="button"
              className="button primary"
              onClick={() =>
                void attempt(editor, async () => {
                  await openFile(editor, draft, draft.id);
                  forget(draft);
                })
              }
            >
              {messages.files.restore}
            </button>
            <button
              type="button"
              className="button"
              onClick={() =>
                void attempt(editor, async () => {
                  await editor.desktop.removeDraft(draft.id);
                  forget(draft);
                  if (drafts.length === 1) close();
                })
              }
            >
              {messages.files.discard}
            </button>
          </li>
        ))}
      </ul>
    </Box>
  );
}

function Closing({ close }: { close(): void }) {
  const editor = useEditor();
  return (
    <Box title={messages.app.closing}>
      <p>{messages.app.closingHelp}</p>
      <footer className="dialog-end">
        <button type="button" className="button" onClick={() => void closeWindow(editor)}>
          {messages.app.closeAnyway}
        </button>
        <button type="button" className="button primary" onClick={close}>
          {messages.app.keepRunning}
        </button>
      </footer>
    </Box>
  );
}

function Discard({ then, close }: { then(): void; close(): void }) {
  const editor = useEditor();
  const name = useGraph((state) => state.whole.title);
  return (
    <Box title={name}>
      <p>{messages.files.discardQuestion(name)}</p>
      <footer className="dialog-end">
        <button
          type="button"
          className="button"
          onClick={() => {
            close();
            then();
          }}
        >
          {messages.files.discardConfirm}
        </button>
        <button
          type="button"
          className="button primary"
          onClick={() =>
            void attempt(editor, async () => {
              close();
              if (await save(editor)) then();
            })
          }
        >
          {messages.files.saveFirst}
        </button>
      </footer>
    </Box>
  );
}
