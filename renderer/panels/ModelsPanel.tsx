import { Download, FolderOpen, Trash2 } from 'lucide-react';
import { useEffect, useState } from 'react';
import type { Model, ModelList, Pull, PullPlan } from '../../electron/host/ipc.ts';
import { type ModelKind, modelKinds } from '../../nodes/params.ts';
import { goToNode } from '../commands/levels.ts';
import { attempt } from '../state/attempt.ts';
import { useEditor, useGraph, useView } from '../state/editor.ts';
import { formatBytes, nameModel } from '../state/format.ts';
import { messages } from '../state/messages.ts';
import { learnModels } from '../state/models.ts';
import { listModelUses, type ModelUse } from '../state/modelUses.ts';
import { MissingModels } from './MissingModels.tsx';

/** The models of this machine by kind, what the graph misses, and downloads with their progress. */
export function ModelsPanel() {
  const editor = useEditor();
  const list = useView((state) => state.models);
  const pulls = useView((state) => state.pulls);
  const whole = useGraph((state) => state.whole);
  const library = useGraph((state) => state.library);
  useEffect(() => void learnModels(editor), [editor]);
  const uses = listModelUses(whole, library);
  const kinds: readonly (ModelKind | undefined)[] = [...modelKinds, undefined];
  return (
    <>
      {list && <Place list={list} />}
      <MissingModels />
      {Object.values(pulls)
        .filter(({ state }) => state !== 'done')
        .map((pull) => (
          <OnePull key={pull.name} pull={pull} />
        ))}
      {kinds.map((kind) => {
        const models = list?.models.filter((model) => model.kind === kind) ?? [];
        if (models.length === 0) return null;
        return (
          <section key={kind ?? 'others'} className="model-group">
            <h3>{kind ? messages.models.kinds[kind] : messages.models.otherKinds}</h3>
            <ul className="rows">
              {models.map((model) => (
                <OneModel
                  key={`${model.from} ${model.name}`}
                  model={model}
                  uses={uses.filter((use) => use.model === model.name)}
                />
              ))}
            </ul>
          </section>
        );
      })}
      {list?.models.length === 0 && <p className="empty">{messages.models.none}</p>}
      <PullForm />
    </>
  );
}

/** Where models are downloaded to and how much room there is. */
function Place({ list: { folder, freeBytes } }: { list: ModelList }) {
  const editor = useEditor();
  const dialogs = useView(({ about }) => about?.dialogs);
  return (
    <p className="model-place faint">
      <span title={folder}>{folder}</span>
      <span>{messages.models.free(formatBytes(freeBytes))}</span>
      {dialogs && (
        <button
          type="button"
          className="icon-button"
          aria-label={messages.models.reveal}
          title={messages.models.reveal}
          onClick={() => void attempt(editor, () => editor.desktop.revealModels())}
        >
          <FolderOpen size={14} aria-hidden />
        </button>
      )}
    </p>
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

function OneModel({ model, uses }: { model: Model; uses: readonly ModelUse[] }) {
  const editor = useEditor();
  const { name, from, bytes, path, family } = model;
  const [first] = uses;
  const remove = async () => {
    await editor.desktop.removeModel(name);
    await learnModels(editor);
  };
  return (
    <li>
      <span className="row" title={path}>
        <b>{nameModel(name)}</b>
        <small className="faint">
          {[family, messages.models.from[from], formatBytes(bytes)].filter(Boolean).join(' · ')}
        </small>
        {first && (
          <button type="button" className="text-button" onClick={() => goToNode(editor, first.node)}>
            {messages.models.usedBy(uses.map(({ title }) => title))}
          </button>
        )}
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
  const isLive = state === 'running' || state === 'waiting';
  return (
    <section className="inspector-part" aria-label={name}>
      <b>{name}</b>
      {pull.state === 'running' && (
        <>
          <progress max={pull.total} value={pull.done} aria-label={name} />
          <p className="faint">{messages.models.progress(formatBytes(pull.done), formatBytes(pull.total))}</p>
        </>
      )}
      {pull.state === 'waiting' && <p className="faint">{messages.models.waiting}</p>}
      {!isLive && <p className="faint">{pull.state === 'failed' ? pull.problem.message : messages.models.stopped}</p>}
      {isLive ? (
        <button
          type="button"
          className="button"
          onClick={() => void attempt(editor, () => editor.desktop.stopPull(name))}
        >
          {messages.models.stop}
        </button>
      ) : (
        <button type="button" className="button" onClick={again}>
          {messages.models.goOn}
        </button>
      )}
    </section>
  );
}
