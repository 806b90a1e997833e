import { ChevronDown, Download } from 'lucide-react';
import { type KeyboardEvent, useLayoutEffect, useRef, useState } from 'react';
import { createPortal } from 'react-dom';
import type { Json } from '../../graphs/document/document.ts';
import { allows, type ModelParam } from '../../nodes/params.ts';
import { attempt } from '../state/attempt.ts';
import { useEditor, useGraph, useView } from '../state/editor.ts';
import { formatBytes, nameModel } from '../state/format.ts';
import { messages } from '../state/messages.ts';
import { learnModels, pullModels } from '../state/models.ts';
import { ChoiceList, moveByKey } from './ChoiceList.tsx';
import { listModelChoices, type ModelChoice } from './modelChoices.ts';

interface ModelFieldProps {
  readonly id: string;
  readonly label: string;
  readonly param: ModelParam;
  readonly value: Json;
  onChange(value: Json): void;
  onLeave(): void;
}

/** Files of checkpoints, for the system's dialog. */
const CHECKPOINTS = ['safetensors', 'ckpt', 'pt', 'pth', 'bin'];

/**
 * A field for a model with the list of what fits it: what is on this machine, what can be downloaded, another place. Enter
 * takes what is marked, Escape leaves the value as it was; what is typed counts once the field is left.
 */
export function ModelField({ id, label, param, value, onChange, onLeave }: ModelFieldProps) {
  const editor = useEditor();
  const models = useView((state) => state.models);
  const browses = useView(({ about }) => about?.dialogs === true);
  const isMissing = useGraph(({ missing }) => missing.includes(String(value)));
  const [typed, setTyped] = useState<string>();
  const [isOpen, setOpen] = useState(false);
  const [active, setActive] = useState(0);
  const field = useRef<HTMLInputElement>(null);
  const choices = isOpen ? listModelChoices(models, param.takes, typed, browses) : [];
  const current = choices[Math.min(active, choices.length - 1)];
  const wrong = !allows(param, typed ?? value);

  // biome-ignore lint/correctness/useExhaustiveDependencies: what is typed later stays as it is
  useLayoutEffect(() => {
    if (isOpen && typed === undefined) field.current?.select(); // to be written over
  }, [isOpen]);
  const open = () => {
    if (isOpen) return;
    void learnModels(editor);
    const place = listModelChoices(models, param.takes, undefined, browses).findIndex(({ model }) => model === value);
    setActive(Math.max(0, place));
    setOpen(true);
  };
  const close = () => {
    setTyped(undefined);
    setOpen(false);
  };
  const give = (next: string) => {
    if (next !== value && allows(param, next)) onChange(next);
    onLeave();
  };
  const choose = ({ act, model }: ModelChoice) => {
    close();
    if (act === 'browse') {
      void attempt(editor, async () => {
        const path = await editor.desktop.chooseFile(CHECKPOINTS, isFolderKind(param));
        if (path !== undefined) give(path);
      });
      return;
    }
    give(model);
    if (act === 'pull') void attempt(editor, () => pullModels(editor, [model]));
  };
  const onKey = (event: KeyboardEvent) => {
    const next = isOpen ? moveByKey(event.key, active, choices.length) : undefined;
    if (next !== undefined) setActive(next);
    else if (event.key === 'ArrowDown') open();
    else if (event.key === 'Enter' && isOpen && current) choose(current);
    else if (event.key === 'Escape' && isOpen) close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <span className="typed">
      <input
        ref={field}
        id={id}
        type="text"
        role="combobox"
        className="field nodrag"
        aria-label={label}
        aria-expanded={isOpen}
        aria-controls={isOpen ? `${id}-models` : undefined}
        aria-activedescendant={isOpen && current ? `${id}-models-${current.key}` : undefined}
        aria-invalid={wrong}
        title={wrong ? messages.controls.must(param) : String(value)}
        autoComplete="off"
        spellCheck={false}
        value={typed ?? (isOpen ? String(value) : nameModel(String(value)))}
        onClick={open}
        onFocus={({ target }) => {
          open();
          requestAnimationFrame(() => target.select());
        }}
        onChange={({ target }) => {
          setTyped(target.value);
          setActive(0);
          setOpen(true);
        }}
        onKeyDown={onKey}
        onBlur={() => {
          if (typed !== undefined) give(typed.trim());
          close();
        }}
      />
      {isMissing ? (
        <Download className="model-missing" size={14} aria-label={messages.models.notOnMachine} />
      ) : (
        <ChevronDown className="faint" size={14} aria-hidden />
      )}
      <PullProgress name={String(value)} />
      {isOpen && field.current && (
        <Popup beside={field.current}>
          <ChoiceList
            id={`${id}-models`}
            label={label}
            choices={choices}
            current={current}
            isGrouped
            onPoint={setActive}
            onChoose={(key) => {
              const chosen = choices.find((choice) => choice.key === key);
              if (chosen) choose(chosen);
            }}
          />
        </Popup>
      )}
    </span>
  );
}

/** Generators, ControlNets and rewards are mostly folders; the others are single files. */
function isFolderKind({ takes }: ModelParam): boolean {
  return !['lora', 'aesthetic', 'hed', 'line-art', 'hps', 'image-reward'].includes(takes);
}

/** How far the download of a model is, while there is one. */
function PullProgress({ name }: { name: string }) {
  const pull = useView(({ pulls }) => pulls[name]);
  if (pull?.state !== 'running' && pull?.state !== 'waiting') return null;
  const text =
    pull.state === 'running'
      ? messages.models.progress(formatBytes(pull.done), formatBytes(pull.total))
      : messages.models.waiting;
  return (
    <progress
      className="pull-progress"
      aria-label={`${name}: ${text}`}
      title={text}
      {...(pull.state === 'running' ? { max: pull.total, value: pull.done } : {})}
    />
  );
}

/** The width of the list in pixels, and the most of its height. */
const [WIDTH, HEIGHT] = [360, 320];

/** A list below a field, or above it where there is more room; pressing in it leaves the focus in the field. */
function Popup({ beside, children }: { beside: HTMLElement; children: React.ReactNode }) {
  const { left, top, bottom } = beside.getBoundingClientRect();
  const isBelow = innerHeight - bottom > HEIGHT || top < innerHeight - bottom;
  const style = {
    left: Math.max(8, Math.min(left, innerWidth - WIDTH - 8)),
    width: WIDTH,
    maxHeight: Math.min(HEIGHT, isBelow ? innerHeight - bottom - 12 : top - 12),
    ...(isBelow ? { top: bottom + 4 } : { bottom: innerHeight - top + 4 }),
  };
  return createPortal(
    <div className="search-box model-list" style={style} onPointerDown={(event) => event.preventDefault()}>
      {children}
    </div>,
    document.body,
  );
}
