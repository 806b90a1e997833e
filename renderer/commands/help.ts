import type { Command } from './command.ts';

export const helpCommands: readonly Command[] = [
  {
    name: 'commands',
    menu: 'help',
    keys: ['Mod+K'],
    inFields: true,
    perform: ({ view }) => view.setState({ overlay: { kind: 'commands' } }),
  },
  {
    name: 'shortcuts',
    menu: 'help',
    keys: ['?'],
    perform: ({ view }) => view.setState({ overlay: { kind: 'shortcuts' } }),
  },
  { name: 'about', menu: 'help', perform: ({ view }) => view.setState({ overlay: { kind: 'about' } }) },
];
