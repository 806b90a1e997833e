import { Download } from 'lucide-react';
import { useState } from 'react';
import { attempt } from '../state/attempt.ts';
import { useEditor, useGraph, useView } from '../state/editor.ts';
import { formatBytes } from '../state/format.ts';
import { messages } from '../state/messages.ts';
import { pullable, pullModels, sizeOfPulls } from '../state/models.ts';

/**
 * Downloads every model that the graph names and that is not on this machine, by one button that says how much that is: of
 * models that are not known the hub is asked first, once the button is pressed.
 */
export function MissingModels() {
  const editor = useEditor();
  const missing = useGraph((state) => state.missing);
  const models = useView((state) => state.models);
  const pulls = useView((state) => state.pulls);
  const [planned, setPlanned] = useState<{ readonly names: string; readonly bytes: number }>();
  const names = pullable(missing).filter((name) => !/^(running|waiting)$/.test(pulls[name]?.state ?? ''));
  if (names.length === 0) return null;
  const key = names.join(' ');
  const bytes = sizeOfPulls(models, names) ?? (planned?.names === key ? planned.bytes : undefined);
  const press = async () => {
    if (bytes !== undefined) return pullModels(editor, names);
    const plans = await Promise.all(names.map((name) => editor.desktop.planPull(name)));
    setPlanned({ names: key, bytes: plans.reduce((sum, plan) => sum + plan.bytes, 0) });
  };
  return (
    <section className="missing-models">
      <p>{messages.models.missing(names)}</p>
      <button type="button" className="button" onClick={() => void attempt(editor, press)}>
        <Download size={14} aria-hidden />{' '}
        {messages.models.pullAll(names.length, bytes === undefined ? undefined : formatBytes(bytes))}
      </button>
    </section>
  );
}
