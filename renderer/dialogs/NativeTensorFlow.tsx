import { Download } from 'lucide-react';
import { attempt } from '../state/attempt.ts';
import { useEditor, useView } from '../state/editor.ts';
import { formatBytes } from '../state/format.ts';
import { messages } from '../state/messages.ts';

/** Downloads native TensorFlow, which is optional because of its size. */
export function NativeTensorFlow() {
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
              formatBytes(native.done),
              native.total === undefined ? undefined : formatBytes(native.total),
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
