import { useMemo } from 'react';
import { PreviewImage } from '../controls/Image.tsx';
import { RunImage } from '../controls/RunImage.tsx';
import { useEditor, useGraph, useRuns } from '../state/editor.ts';
import { messages } from '../state/messages.ts';
import { type NodeResult, shownRun } from '../state/run.ts';
import { type ViewedImage, viewNode } from '../state/viewedImages.ts';

/** The images of the form's nodes, or of all nodes that saved some; a preview while the first of a run is in the making. */
export function FormResults() {
  const { view } = useEditor();
  const title = useGraph(({ whole }) => whole.title);
  const chosen = useGraph(({ whole }) => whole.form?.results);
  const results = useRuns((state) => state.results);
  const preview = useRuns((state) => Object.values(shownRun(state)?.nodes ?? {}).findLast((node) => node.preview));
  const images = useMemo(() => listResultImages(results, chosen ?? []), [results, chosen]);
  return (
    <section className="form-results" aria-label={messages.form.results}>
      {preview?.preview && <PreviewImage preview={preview.preview} />}
      {images.map((image, shown) => (
        <button
          key={image.key}
          type="button"
          title={image.caption}
          onClick={() => view.setState({ overlay: { kind: 'viewer', title, images, shown } })}
        >
          <RunImage image={image} alt={`${messages.results.view}: ${image.label?.prompt ?? image.caption}`} />
        </button>
      ))}
      {images.length === 0 && !preview && <p className="empty">{messages.form.noResults}</p>}
    </section>
  );
}

function listResultImages(results: Readonly<Record<string, NodeResult>>, chosen: readonly string[]): ViewedImage[] {
  const files = Object.values(results).flatMap(({ node }) => node.files ?? []);
  const saving = Object.keys(results).filter((id) => results[id]!.node.files);
  const ids = chosen.length > 0 ? chosen : saving.length > 0 ? saving : Object.keys(results).slice(-1);
  return ids.flatMap((id) => {
    const result = results[id];
    return result ? viewNode(result, files).map((image) => ({ ...image, key: `${id} ${image.key}` })) : [];
  });
}
