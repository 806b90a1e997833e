import type { Command } from 'commander';
import { exitCodes } from './exitCodes.ts';
import { print, printJson, problemInWords } from './terminal.ts';

export function addCheckCommand(program: Command): void {
  program
    .command('check')
    .summary('list what is wrong with a graph')
    .description('Lists everything that keeps a graph from running, without running anything.')
    .argument('<graph>', 'a graph file, template:NAME, or a PNG made by Noiseloom')
    .option('--json', 'print the result as JSON')
    .action(async (graph: string, { json }: { readonly json?: boolean }) => {
      process.exitCode = await check(graph, json ?? false);
    });
}

async function check(location: string, json: boolean): Promise<number> {
  const [{ readGraphText }, { readGraph }, { library }] = await Promise.all([
    import('./readGraphText.ts'),
    import('../../graphs/document/read.ts'),
    import('../../nodes/index.ts'),
  ]);
  const { document, problems } = readGraph((await readGraphText(location)).text, library);
  const exitCode = problems.length === 0 ? exitCodes.done : exitCodes.invalid;
  const nodes = Object.keys(document.nodes).length;
  if (json) printJson({ type: 'result', ok: problems.length === 0, exitCode, title: document.title, nodes, problems });
  else {
    for (const problem of problems) print(`${problem.code}  ${problemInWords(problem)}`);
    if (problems.length === 0) print(`${document.title || location}: ${nodes} nodes, no problems`);
    const fields = document.form?.fields ?? [];
    if (fields.length > 0) print(`Form: ${fields.map(({ name, param }) => `${name} (${param})`).join(', ')}`);
  }
  return exitCode;
}
