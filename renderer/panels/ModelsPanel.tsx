import { Download, Trash2 } from 'lucide-react';
import { useCallback, useEffect, useState } from 'react';
import type { Model, Pull, PullPlan } from '../../electron/host/ipc.ts';
import { attempt } from '../state/attempt.ts';
import { useEditor, useGraph, useView } from '../state/editor.ts';
import { formatBytes } from '../state/format.ts';
import { messages } from '../state/messages.ts';
import { findMissingModels } from './missingModels.ts';

/** Models on this machine, what the graph misses, and downloads with their progress. */
export function ModelsPanel() {
  const editor = useEditor();
  const { desktop } = editor;
  const [models, setModels] = useState<readonly Model[]>();
  const document = useGraph((state) => state.whole);
  const cards = useGraph((state) => state.library);
  const pulls = useView((state) => state.pulls);
  const done = Object.values(pulls).filter(({ state }) => state === 'done').length;
  const learn = useCallback(
    () => attempt(editor, async () => setModels(await desktop.listModels())),
    [editor, desktop],
  );
  // biome-ignore lint/correctness/useExhaustiveDependencies: a download that ended is a model more
  useEffect(() => void learn(), [learn, done]);
  return (
    <>
      {models && <MissingModels names={findMissingModels(document, cards, models)} />}
      <PullForm />
      {Object.values(pulls)
        .filter(({ state }) => state !== 'done')
        .map((pull) => (
          <OnePull key={pull.name} pull={pull} />
        ))}
      {models?.length === 0 && <p className="empty">{messages.models.none}</p>}
      <ul className="rows">
        {models?.map((model) => (
          <OneModel key={`${model.from} ${model.name}`} model={model} onRemoved={learn} />
        ))}
      </ul>
    </>
  );
}

/** Models that the graph names and that are not on this machine. */
function MissingModels({ names }: { names: readonly string[] }) {
  const editor = useEditor();
  if (names.length === 0) return null;
  return (
    <section className="inspector-part">
      <h3>{messages.models.missing}</h3>
      {names.map((name) => (
        <button
          key={name}
          type="button"
          className="button"
          onClick={() => void attempt(editor, () => editor.desktop.startPull(name))}
        >
          <Download size={14} aria-hidden /> {messages.problems.pull(name)}
        </button>
      ))}
    </section>
  );
}

/** Asks for the name of a model, says how large it is, and downloads it when asked again. */
function PullForm() {
  const editor = useEditor();
  const { desktop } = editor;
  const [typed, setTyped] = useState('');
  const [planned, setPlanned] = useState<PullPlan>();
  const name = typed.trim();
  const plan = planned?.name === name ? planned : undefined;
  const submit = async () => {
    if (plan) {
      await desktop.startPull(name);
      setPlanned(undefined);
    } else setPlanned(await desktop.planPull(name));
  };
  return (
    <form
      className="inspector-part form"
      onSubmit={(event) => {
        event.preventDefault();
        void attempt(editor, submit);
      }}
    >
      <label htmlFor="pull-name">{messages.models.pullName}</label>
      <input
        id="pull-name"
        className="field"
        placeholder={messages.models.pullExample}
        value={typed}
        onChange={({ target }) => setTyped(target.value)}
      />
      {plan && <p className="faint">{messages.models.planned(formatBytes(plan.bytes), plan.files.length)}</p>}
      <button type="submit" className="button" disabled={!/\S\/\S/.test(name)}>
        <Download size={14} aria-hidden /> {messages.models.pull}
      </button>
    </form>
  );
}

function OneModel({ model: { name, from, bytes, path }, onRemoved }: { model: Model; onRemoved(): Promise<void> }) {
  const editor = useEditor();
  const remove = async () => {
    await editor.desktop.removeModel(name);
    await onRemoved();
  };
  return (
    <li>
      <span className="row" title={path}>
        <b>{name}</b>
        <small className="faint">
          {messages.models.from[from]}
          {bytes !== undefined && `, ${formatBytes(bytes)}`}
        </small>
      </span>
      {from === 'pulled' && (
        <button
          type="button"
          className="icon-button"
          aria-label={messages.models.remove(name)}
          title={messages.models.remove(name)}
          onClick={() => void attempt(editor, remove)}
        >
          <Trash2 size={14} aria-hidden />
        </button>
      )}
    </li>
  );
}

function OnePull({ pull }: { pull: Pull }) {
  const editor = useEditor();
  const { name, state } = pull;
  const again = () => void attempt(editor, () => editor.desktop.startPull(name));
  return (
    <section className="inspector-part" aria-label={name}>
      <b>{name}</b>
      {state === 'running' ? (
        <>
          <progress max={pull.total} value={pull.done} aria-label={name} />
          <button
            type="button"
            className="button"
            onClick={() => void attempt(editor, () => editor.desktop.stopPull(name))}
          >
            {messages.models.stop}
          </button>
        </>
      ) : (
        <>
          <p className="faint">{pull.state === 'failed' ? pull.problem.message : messages.models.stopped}</p>
          <button type="button" className="button" onClick={again}>
            {messages.models.goOn}
          </button>
        </>
      )}
    </section>
  );
}
