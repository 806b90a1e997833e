import { ArrowDown, ArrowUp, Pencil, Trash2 } from 'lucide-react';
import { useState } from 'react';
import { type FormField, type Json, own } from '../../graphs/document/document.ts';
import { findField } from '../../graphs/document/form.ts';
import { hideParam, moveField, renameField } from '../../graphs/edit/form.ts';
import { applyOverrides } from '../../graphs/edit/overrides.ts';
import { ParamControl } from '../controls/ParamControl.tsx';
import { attempt } from '../state/attempt.ts';
import { useEditor, useGraph } from '../state/editor.ts';
import { spellName } from '../state/format.ts';
import { editWhole, endGroup } from '../state/graph.ts';
import { messages } from '../state/messages.ts';
import { FormResults } from './FormResults.tsx';

/** The graph as a form: the params that its author exposed, beside large results. For people who do not wire. */
export function FormPage() {
  const { view } = useEditor();
  const fields = useGraph(({ whole }) => whole.form?.fields);
  const title = useGraph(({ whole }) => whole.title);
  const [isArranging, setArranging] = useState(false);
  return (
    <main className="form-page">
      <section className="form-fields" aria-label={messages.form.fields}>
        <div className="form-head">
          <h2>{title}</h2>
          {fields && fields.length > 0 && (
            <button
              type="button"
              className="icon-button"
              aria-pressed={isArranging}
              aria-label={messages.form.arrange}
              title={messages.form.arrange}
              onClick={() => setArranging(!isArranging)}
            >
              <Pencil size={16} aria-hidden />
            </button>
          )}
        </div>
        {fields?.map((field, place) => (
          <Field key={field.param} field={field} place={place} count={fields.length} isArranging={isArranging} />
        ))}
        {!fields?.length && (
          <div className="empty">
            <p>{messages.form.empty}</p>
            <button type="button" className="button" onClick={() => view.setState({ page: 'graph', inspector: true })}>
              {messages.commands.showGraph}
            </button>
          </div>
        )}
      </section>
      <FormResults />
    </main>
  );
}

interface FieldProps {
  readonly field: FormField;
  readonly place: number;
  readonly count: number;
  readonly isArranging: boolean;
}

function Field({ field, place, count, isArranging }: FieldProps) {
  const { graph } = useEditor();
  const whole = useGraph((state) => state.whole);
  const library = useGraph((state) => state.library);
  const target = findField(whole, library, field.param);
  const isDriven = target !== undefined && (own(target.node.inputs, target.name) ?? []).length > 0;
  const label = spellName(field.name);
  const id = `form-${place}`;
  const set = (value: Json) =>
    editWhole(
      graph,
      (whole) => applyOverrides(whole, { [field.param]: value }, graph.getState().library),
      `param ${field.param}`,
    );
  return (
    <div className="form-field">
      {isArranging ? <ArrangedLabel field={field} place={place} count={count} /> : <label htmlFor={id}>{label}</label>}
      {!target && <p className="bad">{messages.form.lost(field.param)}</p>}
      {isDriven && <p className="faint">{messages.inspector.driven}</p>}
      {target && !isDriven && (
        <ParamControl
          id={id}
          label={label}
          param={target.param}
          value={own(target.node.params, target.name) ?? target.param.initial}
          onChange={set}
          onLeave={() => endGroup(graph)}
        />
      )}
      {target && <p className="faint help">{target.param.help}</p>}
    </div>
  );
}

/** The name of a field, to be written over, and buttons that move and remove it. */
function ArrangedLabel({ field: { name, param }, place, count }: Omit<FieldProps, 'isArranging'>) {
  const editor = useEditor();
  const edit = (change: Parameters<typeof editWhole>[1]) =>
    attempt(editor, async () => editWhole(editor.graph, change));
  return (
    <div className="form-arrange">
      <input
        className="field"
        aria-label={messages.form.name(name)}
        defaultValue={name}
        key={name}
        spellCheck={false}
        onKeyDown={({ key, currentTarget }) => key === 'Enter' && currentTarget.blur()}
        onBlur={({ target }) => {
          const called = target.value.trim();
          if (called !== name) void edit((whole) => renameField(whole, param, called));
        }}
      />
      <button
        type="button"
        className="icon-button"
        disabled={place === 0}
        aria-label={messages.form.up(name)}
        title={messages.form.up(name)}
        onClick={() => void edit((whole) => moveField(whole, param, place - 1))}
      >
        <ArrowUp size={14} aria-hidden />
      </button>
      <button
        type="button"
        className="icon-button"
        disabled={place === count - 1}
        aria-label={messages.form.down(name)}
        title={messages.form.down(name)}
        onClick={() => void edit((whole) => moveField(whole, param, place + 1))}
      >
        <ArrowDown size={14} aria-hidden />
      </button>
      <button
        type="button"
        className="icon-button"
        aria-label={messages.form.remove(name)}
        title={messages.form.remove(name)}
        onClick={() => void edit((whole) => hideParam(whole, param))}
      >
        <Trash2 size={14} aria-hidden />
      </button>
    </div>
  );
}
