import { useEffect, useState } from 'react';
import type { Template } from '../../electron/host/ipc.ts';
import { own } from '../../graphs/document/document.ts';
import { Image } from '../controls/Image.tsx';
import { attempt } from '../state/attempt.ts';
import { useEditor } from '../state/editor.ts';
import { openFile } from '../state/files.ts';
import { messages, nodeTexts } from '../state/messages.ts';
import { useRead } from '../state/useRead.ts';
import { GraphSketch } from './GraphSketch.tsx';

/** Graphs to start from by what they are for, each with an example image (or a sketch of the graph) and a sentence. */
export function TemplatesPanel() {
  const editor = useEditor();
  const [templates, setTemplates] = useState<readonly Template[]>([]);
  useEffect(() => void attempt(editor, async () => setTemplates(await editor.desktop.listTemplates())), [editor]);
  const purposes = [...new Set(templates.map(({ purpose }) => purpose))];
  return purposes.map((purpose) => (
    <section key={purpose} className="model-group">
      <h3>{messages.templates[purpose]}</h3>
      <ul className="templates">
        {templates
          .filter((template) => template.purpose === purpose)
          .map((template) => (
            <OneTemplate key={template.name} template={template} />
          ))}
      </ul>
    </section>
  ));
}

function OneTemplate({ template: { name, title, summary, text, image } }: { template: Template }) {
  const editor = useEditor();
  return (
    <li>
      <button type="button" onClick={() => void attempt(editor, () => openFile(editor, { name: title, text }))}>
        {image ? <TemplateImage name={name} /> : <GraphSketch document={JSON.parse(text)} />}
        <b>{title}</b>
        <span className="faint">{own(nodeTexts.templates, name) ?? summary}</span>
      </button>
    </li>
  );
}

function TemplateImage({ name }: { name: string }) {
  const bytes = useRead(name, (desktop) => desktop.readTemplateImage(name));
  return bytes ? <Image bytes={bytes} alt="" /> : <div className="template-image" />;
}
