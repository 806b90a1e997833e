import { render } from '@testing-library/react';
import type { ReactNode } from 'react';
import { type Editor, EditorContext } from '../../renderer/state/editor.ts';

/** Renders a component as the window does, without a window. Call `cleanup` after each test. */
export function renderInEditor(editor: Editor, component: ReactNode): void {
  render(<EditorContext value={editor}>{component}</EditorContext>);
}
