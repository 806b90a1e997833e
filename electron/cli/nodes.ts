import type { Command } from 'commander';
import type { NodeCard } from '../../nodes/card.ts';
import { describeAllowed } from '../../nodes/params.ts';
import { columns, print, printJson } from './terminal.ts';
import { UsageError } from './usageError.ts';

export function addNodesCommand(program: Command): void {
  program
    .command('nodes')
    .summary('list the nodes, or describe one')
    .description('Lists the nodes that graphs are made of, or describes one in full.')
    .argument('[type]', 'a type of node, e.g. generate/sample')
    .option('--json', 'print JSON')
    .action(async (type: string | undefined, { json }: { readonly json?: boolean }) => {
      const [{ library }, { describeNode }, { didYouMean }] = await Promise.all([
        import('../../nodes/index.ts'),
        import('../../nodes/card.ts'),
        import('../../graphs/document/suggest.ts'),
      ]);
      const cards = [...library.values()].map(describeNode);
      if (type === undefined) {
        if (json) printJson(cards);
        else print(columns(cards.map(({ type, summary }) => [type, summary])));
        return;
      }
      const card = cards.find((card) => card.type === type || card.type.split('/')[1] === type);
      if (!card) {
        const names = cards.flatMap((card) => [card.type, card.type.slice(card.type.indexOf('/') + 1)]);
        throw new UsageError(
          `There is no node "${type}".${didYouMean(type, names)} See them all with: noiseloom nodes`,
        );
      }
      if (json) printJson(card);
      else print(cardInWords(card));
    });
}

function cardInWords({ type, version, title, summary, source, inputs, params, outputs }: NodeCard): string {
  const counts = { one: '', optional: ' (optional)', many: ' (any number)' };
  const ports = Object.entries(inputs).map(([name, port]) => [
    `  ${name}`,
    `${port.type}${counts[port.count]}`,
    port.help ?? '',
  ]);
  const results = Object.entries(outputs).map(([name, port]) => [
    `  ${name}`,
    port.list ? `list of ${port.type}` : port.type,
    port.help ?? '',
  ]);
  const rows = Object.entries(params).map(([name, param]) => [
    `  ${name}`,
    JSON.stringify(param.initial),
    `${param.help} Allowed: ${describeAllowed(param)}.`,
  ]);
  const section = (heading: string, rows: string[][]) => (rows.length > 0 ? [`\n${heading}`, columns(rows)] : []);
  return [
    `${title}  (${type}, version ${version})`,
    summary,
    ...(source ? [`Source: ${source}`] : []),
    ...section('Inputs', ports),
    ...section('Params', rows),
    ...section('Outputs', results),
  ].join('\n');
}
