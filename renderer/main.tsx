import { connectShell } from './shell.ts';

const shell = connectShell();
document.title = 'Noiseloom';
const root = document.getElementById('root') as HTMLElement;
shell.listen((event) => {
  if (event.type === 'engine') root.dataset.engine = event.engine.state;
});
shell.onEngine(async (engine) => {
  root.textContent = `${(await engine.describeNodes()).length} nodes`;
});
