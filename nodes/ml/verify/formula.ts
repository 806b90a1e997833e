import { UserError } from '../../errors.ts';

/** A function of the variables of a formula. */
export type Formula = (variables: Readonly<Record<string, number>>) => number;

const functions: Readonly<Record<string, (x: number) => number>> = {
  sin: Math.sin,
  cos: Math.cos,
  exp: Math.exp,
  sqrt: Math.sqrt,
};

/**
 * Reads an arithmetic formula as golden folders state them (numbers, variables, + - * /, brackets, sin cos exp sqrt).
 * Throws UserError `BAD_FORMULA`.
 */
export function parseFormula(text: string): Formula {
  const tokens = text.match(/\d+\.?\d*(?:e[+-]?\d+)?|[a-z_]+|\S/gi) ?? [];
  let position = 0;
  const fail = () =>
    new UserError('BAD_FORMULA', `The formula "${text}" cannot be read at "${tokens[position] ?? 'its end'}".`);
  const accept = (token: string) => tokens[position] === token && ++position > 0;
  const expect = (token: string) => {
    if (!accept(token)) throw fail();
  };
  const sum = (): Formula => {
    let left = product();
    for (;;) {
      const before = left;
      if (accept('+')) left = plus(before, product());
      else if (accept('-')) left = minus(before, product());
      else return left;
    }
  };
  const product = (): Formula => {
    let left = factor();
    for (;;) {
      const before = left;
      if (accept('*')) left = times(before, factor());
      else if (accept('/')) left = over(before, factor());
      else return left;
    }
  };
  const factor = (): Formula => {
    if (accept('-')) return minus(() => 0, factor());
    if (accept('(')) return closed(sum());
    const token = tokens[position++] ?? '';
    if (/^\d/.test(token)) return () => Number(token);
    if (Object.hasOwn(functions, token)) {
      expect('(');
      const inner = closed(sum());
      const apply = functions[token]!;
      return (variables) => apply(inner(variables));
    }
    if (!/^[a-z_]+$/i.test(token)) throw fail();
    return (variables) => variables[token] ?? Number.NaN;
  };
  const closed = (inner: Formula): Formula => {
    expect(')');
    return inner;
  };
  const formula = sum();
  if (position < tokens.length) throw fail();
  return formula;
}

const plus =
  (a: Formula, b: Formula): Formula =>
  (v) =>
    a(v) + b(v);
const minus =
  (a: Formula, b: Formula): Formula =>
  (v) =>
    a(v) - b(v);
const times =
  (a: Formula, b: Formula): Formula =>
  (v) =>
    a(v) * b(v);
const over =
  (a: Formula, b: Formula): Formula =>
  (v) =>
    a(v) / b(v);
