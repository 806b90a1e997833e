import { UserError } from '../../nodes/errors.ts';
import { quote } from '../../nodes/quote.ts';
import type { Form, FormField, GraphDocument } from '../document/document.ts';
import { fieldPattern } from '../document/form.ts';

/*
 * Edits of a graph's form: the params and results that its author shows to people who do not wire. All take the whole
 * document.
 */

const EMPTY: Form = { fields: [], results: [] };

/** Adds a param (`node.param`) as the last field, under the param's name or, where that is taken, with a number behind it. */
export function exposeParam(document: GraphDocument, param: string): GraphDocument {
  const form = document.form ?? EMPTY;
  if (form.fields.some((field) => field.param === param)) return document;
  const wanted = param.slice(param.lastIndexOf('.') + 1);
  const taken = new Set(form.fields.map(({ name }) => name));
  let name = wanted;
  for (let number = 2; taken.has(name); number++) name = `${wanted}${number}`;
  return withForm(document, { ...form, fields: [...form.fields, { name, param }] });
}

/** Removes the field of a param. */
export function hideParam(document: GraphDocument, param: string): GraphDocument {
  return changeFields(document, (fields) => fields.filter((field) => field.param !== param));
}

/** Renames a field. Throws UserError `BAD_FIELD` where the name is none or another field has it. */
export function renameField(document: GraphDocument, param: string, name: string): GraphDocument {
  const isTaken = document.form?.fields.some((field) => field.name === name && field.param !== param);
  if (!fieldPattern.test(name) || isTaken) {
    const why = isTaken ? 'another field has this name' : 'use letters, digits, "-" and "_", at most 60';
    throw new UserError('BAD_FIELD', `A field of the form cannot be called ${quote(name)}: ${why}.`);
  }
  return changeFields(document, (fields) =>
    fields.map((field) => (field.param === param ? { ...field, name } : field)),
  );
}

/** Moves a field to a place among the others, counted from 0. */
export function moveField(document: GraphDocument, param: string, to: number): GraphDocument {
  return changeFields(document, (fields) => {
    const field = fields.find((each) => each.param === param);
    return field ? fields.filter((each) => each !== field).toSpliced(to, 0, field) : fields;
  });
}

/** Shows or hides the results of a node. */
export function showResults(document: GraphDocument, id: string, shown: boolean): GraphDocument {
  const form = document.form ?? EMPTY;
  if (form.results.includes(id) === shown) return document;
  const results = shown ? [...form.results, id] : form.results.filter((each) => each !== id);
  return withForm(document, { ...form, results });
}

/** The document without fields and results of nodes that are gone from its top. */
export function dropFromForm(document: GraphDocument, gone: ReadonlySet<string>): GraphDocument {
  if (!document.form) return document;
  const fields = document.form.fields.filter(({ param }) => !gone.has(firstNode(param)));
  const results = document.form.results.filter((id) => !gone.has(id));
  if (fields.length === document.form.fields.length && results.length === document.form.results.length) return document;
  return withForm(document, { fields, results });
}

/** The document whose fields of nodes that moved into the subgraph of node `outer` lead there; their results are hidden. */
export function moveFormInside(document: GraphDocument, moved: ReadonlySet<string>, outer: string): GraphDocument {
  if (!document.form) return document;
  const fields = document.form.fields.map((field) =>
    moved.has(firstNode(field.param)) ? { ...field, param: `${outer}/${field.param}` } : field,
  );
  const results = document.form.results.filter((id) => !moved.has(id));
  return withForm(document, { fields, results });
}

/** The document whose fields inside node `outer` lead to the nodes that took its place, by their new ids. */
export function moveFormOutside(
  document: GraphDocument,
  outer: string,
  ids: ReadonlyMap<string, string>,
): GraphDocument {
  return changeFields(document, (fields) =>
    fields.map((field) => {
      if (!field.param.startsWith(`${outer}/`)) return field;
      const inner = field.param.slice(outer.length + 1);
      const id = ids.get(firstNode(inner));
      return id === undefined ? field : { ...field, param: id + inner.slice(firstNode(inner).length) };
    }),
  );
}

function firstNode(param: string): string {
  return param.slice(0, param.search(/[./]/));
}

function changeFields(
  document: GraphDocument,
  change: (fields: readonly FormField[]) => readonly FormField[],
): GraphDocument {
  return document.form ? withForm(document, { ...document.form, fields: change(document.form.fields) }) : document;
}

/** A form of nothing is left out of the document. */
function withForm(document: GraphDocument, form: Form): GraphDocument {
  if (form.fields.length + form.results.length > 0) return { ...document, form };
  const { form: _none, ...rest } = document;
  return rest;
}
