// Reads what templates name: the variables of a path, and the placeholders of a body or a message.

/** An expression of RFC 6570, such as `{?sku,size*}`. */
const EXPRESSION = /\{[+#./;?&]?([^{}]*)\}/g;
/** A string that stands for values: `{sku}`, `{price:FP32}`, or for their number, `{#}`. */
const PLACEHOLDER = /^\{(?:#|([^{}:]+)(?::(\w+))?)\}$/;
/** The key of an object that stands for a list with an element for each case. */
const EACH = '{*}';

/** What a template takes from the cases. */
export interface Use {
  readonly column: string;
  /** How its numbers are packed into bytes. */
  readonly datatype?: string | undefined;
}

export function variablesOf(path: string): Use[] {
  return [...path.matchAll(EXPRESSION)].flatMap(([, list = '']) =>
    list.split(',').map((variable) => ({ column: variable.replace(/(?:\*|:\d+)$/, '') })),
  );
}

/** @param value anything that JSON can hold */
export function placeholdersOf(value: unknown): Use[] {
  if (typeof value === 'string') {
    const [, column, datatype] = PLACEHOLDER.exec(value) ?? [];
    return column === undefined ? [] : [{ column, datatype }];
  }
  return Object.values(isObject(value) ? value : {}).flatMap(placeholdersOf);
}

/** Whether an object that stands for a list has anything beside it. */
export function hasBesideEach(value: unknown): boolean {
  if (!isObject(value)) return false;
  return (EACH in value && Object.keys(value).length > 1) || Object.values(value).some(hasBesideEach);
}

/**
 * Puts the parameters of a protocol into its form: a string that is `<name>` becomes its value, and others have it in
 * them.
 */
export function fill(form: unknown, parameters: Readonly<Record<string, unknown>>): unknown {
  if (typeof form === 'string') {
    const [, whole] = /^<(\w+)>$/.exec(form) ?? [];
    return whole === undefined ? inText(form, parameters) : parameters[whole];
  }
  if (Array.isArray(form)) return form.map((each) => fill(each, parameters));
  if (!isObject(form)) return form;
  return Object.fromEntries(
    Object.entries(form).map(([key, value]) => [inText(key, parameters), fill(value, parameters)]),
  );
}

function inText(text: string, parameters: Readonly<Record<string, unknown>>): string {
  return text.replaceAll(/<(\w+)>/g, (_, name: string) => String(parameters[name]));
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
