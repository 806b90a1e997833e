import type { Cards, NodeCard } from '../../nodes/card.ts';
import type { Param } from '../../nodes/params.ts';
import { quote } from '../../nodes/quote.ts';
import { type GraphDocument, type GraphNode, limits, own } from './document.ts';
import { levelCards, nodeAt, subgraphAt } from './levels.ts';
import { type Problem, problem } from './problems.ts';

/** Where a field of a form leads: a param of a node, from the top by node ids. */
export interface FieldTarget {
  readonly path: readonly string[];
  readonly node: GraphNode;
  readonly card: NodeCard;
  readonly name: string;
  readonly param: Param;
}

/** What names of fields look like: they stand alone in `--set name=value`, so no dots and no spaces. */
export const fieldPattern = /^[\p{L}\p{N}_-]{1,60}$/u;

/** The param that a field leads to, written `node.param` or `outer/inner.param`; undefined where there is none. */
export function findField(document: GraphDocument, cards: Cards, target: string): FieldTarget | undefined {
  const dot = target.lastIndexOf('.');
  const path = target.slice(0, Math.max(0, dot)).split('/');
  const name = target.slice(dot + 1);
  const node = nodeAt(document, path);
  const card = node && levelCards(document, cards, subgraphAt(document, path.slice(0, -1))).get(node.type);
  const param = card && own(card.params, name);
  return node && param && { path, node, card, name, param };
}

/** What is wrong with the form of a graph: names that no field can have or two have, and fields and results that lead nowhere. */
export function checkForm(document: GraphDocument, cards: Cards): Problem[] {
  const { fields = [], results = [] } = document.form ?? {};
  const names = new Set<string>();
  const problems: Problem[] = [];
  const add = (code: string, message: string, remedy: string) => {
    if (problems.length < limits.problems) problems.push(problem(code, {}, message, remedy));
  };
  for (const { name, param } of fields) {
    if (!fieldPattern.test(name))
      add('BAD_FIELD', `The form has a field called ${quote(name)}.`, 'Use letters, digits, "-" and "_", at most 60.');
    else if (names.has(name)) add('BAD_FIELD', `The form has two fields called "${name}".`, 'Rename one of them.');
    names.add(name);
    const target = findField(document, cards, param);
    if (!target) {
      const message = `The field ${quote(name)} of the form leads to ${quote(param)}, which the graph does not have.`;
      add('UNKNOWN_FIELD', message, 'Remove the field from the form.');
    }
  }
  for (const id of results) {
    if (Object.hasOwn(document.nodes, id)) continue;
    const message = `The form shows the results of node ${quote(id)}, which the graph does not have.`;
    add('UNKNOWN_FIELD', message, 'Remove the node from the form.');
  }
  return problems;
}
