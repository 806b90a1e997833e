import type { Editor } from '../state/editor.ts';
import type { Command } from './command.ts';
import { hasSelection } from './selected.ts';

export const viewCommands: readonly Command[] = [
  {
    name: 'findNode',
    menu: 'view',
    keys: ['Mod+F'],
    perform: ({ view }) => view.setState({ overlay: { kind: 'findNode' } }),
  },
  { name: 'fit', menu: 'view', begins: true, keys: ['1', 'Home'], perform: ({ canvas }) => canvas?.fit() },
  { name: 'fitSelection', menu: 'view', keys: ['2'], enabled: hasSelection, perform: fitSelection },
  { name: 'zoomIn', menu: 'view', keys: ['+', '='], perform: ({ canvas }) => canvas?.zoom(1.25) },
  { name: 'zoomOut', menu: 'view', keys: ['-'], perform: ({ canvas }) => canvas?.zoom(0.8) },
  {
    name: 'minimap',
    menu: 'view',
    begins: true,
    checked: ({ view }) => view.getState().minimap,
    perform: ({ view }) => view.setState(({ minimap }) => ({ minimap: !minimap })),
  },
  {
    name: 'inspector',
    menu: 'view',
    keys: ['I'],
    checked: ({ view }) => view.getState().inspector,
    perform: ({ view }) => view.setState(({ inspector }) => ({ inspector: !inspector })),
  },
  {
    name: 'problems',
    menu: 'view',
    keys: ['P'],
    checked: ({ view }) => view.getState().problems,
    perform: ({ view }) => view.setState(({ problems }) => ({ problems: !problems })),
  },
  { name: 'models', menu: 'view', perform: ({ view }) => view.setState({ side: 'models' }) },
  {
    name: 'showGraph',
    menu: 'view',
    keys: ['Alt+1'],
    inFields: true,
    begins: true,
    perform: ({ view }) => view.setState({ page: 'graph' }),
  },
  {
    name: 'showRuns',
    menu: 'view',
    keys: ['Alt+2'],
    inFields: true,
    perform: ({ view }) => view.setState({ page: 'runs' }),
  },
  {
    name: 'showForm',
    menu: 'view',
    keys: ['Alt+3'],
    inFields: true,
    perform: ({ view }) => view.setState({ page: 'form' }),
  },
];

function fitSelection({ canvas, view }: Editor): void {
  canvas?.fit(view.getState().selection.filter(({ kind }) => kind !== 'wire'));
}
