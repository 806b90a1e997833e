import { configure, render } from '@testing-library/react';
import type { ReactNode } from 'react';
import { type Editor, EditorContext } from '../../renderer/state/editor.ts';

configure({ asyncUtilTimeout: 20_000 }); // as long as a busy machine takes

/** Renders a component as the window does, without a window. Call `cleanup` after each test. */
export function renderInEditor(editor: Editor, component: ReactNode): void {
  render(<EditorContext value={editor}>{component}</EditorContext>);
}
