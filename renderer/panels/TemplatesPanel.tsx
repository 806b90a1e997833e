import { useEffect, useState } from 'react';
import type { Template } from '../../electron/host/ipc.ts';
import { Image } from '../controls/Image.tsx';
import { attempt } from '../state/attempt.ts';
import { useEditor } from '../state/editor.ts';
import { openFile, unlessUnsaved } from '../state/files.ts';
import { useRead } from '../state/useRead.ts';
import { GraphSketch } from './GraphSketch.tsx';

/** Graphs to start from, each with an example image (or a sketch of the graph) and a summary. */
export function TemplatesPanel() {
  const editor = useEditor();
  const [templates, setTemplates] = useState<readonly Template[]>([]);
  useEffect(() => void attempt(editor, async () => setTemplates(await editor.desktop.listTemplates())), [editor]);
  return (
    <ul className="templates">
      {templates.map((template) => (
        <li key={template.name}>
          <button
            type="button"
            onClick={() => unlessUnsaved(editor, () => openFile(editor, { name: template.title, text: template.text }))}
          >
            {template.image ? (
              <TemplateImage name={template.name} />
            ) : (
              <GraphSketch document={JSON.parse(template.text)} />
            )}
            <b>{template.title}</b>
            <span className="faint" title={template.summary}>
              {template.summary}
            </span>
          </button>
        </li>
      ))}
    </ul>
  );
}

function TemplateImage({ name }: { name: string }) {
  const bytes = useRead(name, (desktop) => desktop.readTemplateImage(name));
  return bytes ? <Image bytes={bytes} alt="" /> : <div className="template-image" />;
}
