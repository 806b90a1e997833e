import { Dices, FolderOpen } from 'lucide-react';
import { useState } from 'react';
import type { Json } from '../../graphs/document/document.ts';
import { allows, type FileParam, formatParam, type Param, parseParam } from '../../nodes/params.ts';
import { attempt } from '../state/attempt.ts';
import { useEditor, useView } from '../state/editor.ts';
import { messages } from '../state/messages.ts';
import { useRead } from '../state/useRead.ts';
import { ModelField } from './ModelField.tsx';
import { newSeed } from './newSeed.ts';
import { useScrub } from './useScrub.ts';

interface ParamControlProps {
  readonly id: string;
  /** What screen readers call it. */
  readonly label: string;
  readonly param: Param;
  readonly value: Json;
  /** What a word for a special value stands for now, e.g. `20 steps`, where that is known. */
  readonly meaning?: string | undefined;
  onChange(value: Json): void;
  /** The user is done with the field: the next change is a step of its own. */
  onLeave(): void;
}

/** The control of a param, by its kind. */
export function ParamControl(props: ParamControlProps) {
  const { param } = props;
  switch (param.kind) {
    case 'boolean':
      return <Switch {...props} />;
    case 'choice':
      return <Choice {...props} options={param.options} />;
    case 'text':
      return param.multiline ? <LongText {...props} /> : <Typed {...props} />;
    case 'seed':
      return <Seed {...props} />;
    case 'model':
      return <ModelField {...props} param={param} />;
    case 'file':
      return <Place {...props} param={param} />;
    default:
      return <Typed {...props} />;
  }
}

function Switch({ id, label, value, onChange, onLeave }: ParamControlProps) {
  return (
    <input
      id={id}
      type="checkbox"
      role="switch"
      aria-checked={value === true}
      className="switch nodrag"
      aria-label={label}
      checked={value === true}
      onChange={(event) => onChange(event.target.checked)}
      onBlur={onLeave}
    />
  );
}

function Choice({ id, label, value, options, onChange, onLeave }: ParamControlProps & { options: readonly string[] }) {
  const unknown = typeof value !== 'string' || !options.includes(value);
  return (
    <select
      id={id}
      className="field nodrag nowheel"
      aria-label={label}
      aria-invalid={unknown}
      value={String(value)}
      onChange={(event) => onChange(event.target.value)}
      onBlur={onLeave}
    >
      {unknown && <option value={String(value)}>{String(value)}</option>}
      {options.map((option) => (
        <option key={option} value={option}>
          {messages.controls.words[option] ?? option}
        </option>
      ))}
    </select>
  );
}

/** What is being typed: each text that the param allows goes into the graph at once, others wait, marked as wrong. */
function useTyped({ param, value, meaning, onChange, onLeave }: ParamControlProps) {
  const [typed, setTyped] = useState<string>();
  const [isWritten, setWritten] = useState(false);
  const shown = formatParam(param, value);
  const wrong = typed !== undefined && !allows(param, parseParam(param, typed));
  const outside = typed === undefined && !allows(param, value);
  return {
    value: typed ?? (isWritten ? shown : speakWord(param, shown, meaning)),
    'aria-invalid': wrong || outside,
    title: wrong || outside ? messages.controls.must(param) : undefined,
    onChange: (event: { target: { value: string } }) => {
      setTyped(event.target.value);
      const read = parseParam(param, event.target.value);
      if (allows(param, read)) onChange(read);
    },
    onFocus: () => setWritten(true),
    onBlur: () => {
      setTyped(undefined);
      setWritten(false);
      onLeave();
    },
  };
}

/** A value in plain words, where it is a word; with what that stands for. */
function speakWord(param: Param, shown: string, meaning: string | undefined): string {
  const word = 'words' in param && param.words && shown in param.words ? messages.controls.words[shown] : undefined;
  if (word === undefined) return shown;
  return meaning === undefined ? word : messages.controls.known(word, meaning);
}

function Typed(props: ParamControlProps) {
  const { id, label, param, value, onChange, onLeave } = props;
  const field = useTyped(props);
  const isNumber = param.kind === 'integer' || param.kind === 'number';
  const stepped = (from: Json, by: number) => {
    if (!isNumber || typeof from !== 'number') return from;
    const size = param.kind === 'integer' ? 1 : (param.step ?? (param.max - param.min) / 100);
    return Math.min(param.max, Math.max(param.min, Number((from + by * size).toPrecision(12))));
  };
  const scrub = useScrub(value, (from, steps) => onChange(stepped(from, steps)), onLeave);
  return (
    <span className="typed">
      <input
        id={id}
        type="text"
        inputMode={isNumber ? 'decimal' : 'text'}
        className={`field nodrag${isNumber ? ' number' : ''}`}
        aria-label={label}
        autoComplete="off"
        spellCheck={false}
        {...field}
        {...(isNumber ? scrub : {})}
        onKeyDown={(event) => {
          if (event.key === 'Enter') event.currentTarget.blur();
          if (!isNumber || (event.key !== 'ArrowUp' && event.key !== 'ArrowDown')) return;
          event.preventDefault(); // up and down change a number by a step, with Shift by ten
          const next = stepped(value, (event.key === 'ArrowUp' ? 1 : -1) * (event.shiftKey ? 10 : 1));
          field.onChange({ target: { value: String(next) } });
          onChange(next);
        }}
      />
      {isNumber && param.unit && field.value === String(value) && (
        <span className="unit">{messages.controls.words[param.unit] ?? param.unit}</span>
      )}
    </span>
  );
}

function LongText(props: ParamControlProps) {
  const [isTyping, setTyping] = useState(false);
  const field = useTyped(props);
  const { param } = props;
  return (
    <>
      <textarea
        id={props.id}
        className="field long nodrag nowheel nopan"
        aria-label={props.label}
        rows={2}
        spellCheck={false}
        {...field}
        onFocus={() => setTyping(true)}
        onBlur={() => {
          setTyping(false);
          field.onBlur();
        }}
      />
      {param.kind === 'text' && param.isPrompt && <TokenCount prompt={field.value} isTyping={isTyping} />}
    </>
  );
}

/** Tokens of a prompt that a text encoder reads at once. */
const CHUNK = 75;

/** How long a prompt is, while it is typed and where it is longer than a text encoder reads at once. */
function TokenCount({ prompt, isTyping }: { prompt: string; isTyping: boolean }) {
  const asks = isTyping || prompt.length > CHUNK; // a token has a letter at least
  const length = useRead(asks ? `tokens of ${prompt}` : 'no tokens', (desktop) =>
    asks ? desktop.measurePrompt(prompt) : undefined,
  );
  if (!length || (!isTyping && length.chunks === 1)) return null;
  return (
    <output className="token-count" title={messages.controls.tokensHelp}>
      {messages.controls.tokens(length.tokens, CHUNK, length.chunks)}
    </output>
  );
}

/** A seed of -1 means any, as in other programs: it is drawn at once, so that the graph says which it was. */
function Seed(props: ParamControlProps) {
  const { id, label, onChange, onLeave } = props;
  const field = useTyped(props);
  return (
    <span className="typed">
      <input
        id={id}
        type="text"
        inputMode="numeric"
        className="field number nodrag"
        aria-label={label}
        autoComplete="off"
        {...field}
        onChange={({ target: { value } }) =>
          field.onChange({ target: { value: value.trim() === '-1' ? String(newSeed()) : value } })
        }
      />
      <button
        type="button"
        className="icon-button nodrag"
        aria-label={messages.controls.newSeed(label)}
        title={messages.controls.newSeed(label)}
        onClick={() => {
          onChange(newSeed());
          onLeave();
        }}
      >
        <Dices size={14} aria-hidden />
      </button>
    </span>
  );
}

function Place({ param, ...props }: ParamControlProps & { param: FileParam }) {
  const editor = useEditor();
  const { id, label, onChange, onLeave } = props;
  const dialogs = useView(({ about }) => about?.dialogs);
  const choose = async () => {
    const path = await editor.desktop.chooseFile(param.accept, param.folder === true);
    if (path !== undefined) onChange(path);
    onLeave();
  };
  return (
    <span className="typed">
      <input
        id={id}
        type="text"
        className="field nodrag"
        aria-label={label}
        autoComplete="off"
        spellCheck={false}
        {...useTyped({ ...props, param })}
      />
      {dialogs && (
        <button
          type="button"
          className="icon-button nodrag"
          aria-label={messages.controls.browse(label)}
          title={messages.controls.browse(label)}
          onClick={() => void attempt(editor, choose)}
        >
          <FolderOpen size={14} aria-hidden />
        </button>
      )}
    </span>
  );
}
