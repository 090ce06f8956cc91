// Defines the servers file: its members, what each accepts, and what it means. `schema.json`, which editors read, is made
// from it.

import * as v from 'valibot';

/** An object with no other members than these. */
function object<const Entries extends v.ObjectEntries>(entries: Entries) {
  const known = Object.keys(entries).join(', ');
  return v.strictObject(entries, ({ expected, received }) => {
    if (expected === 'never') return `known here are ${known}`;
    return expected === 'Object' ? `members are wanted, of ${known}` : `it is missing (${received})`;
  });
}

function optional<const Schema extends v.GenericSchema>(schema: Schema, about: string) {
  return v.exactOptional(v.pipe(schema, v.description(about)));
}

const TEXT = v.pipe(
  v.string('text is wanted; in quotes, if YAML would read it as something else'),
  v.regex(/\S/, 'text is wanted'),
);
const LINE = v.pipe(TEXT, v.regex(/^[^\r\n]*$/, 'a text without line breaks is wanted'));
const STRING = v.string('text is wanted; in quotes, if YAML would read it as something else');
/** It begins names of files and of Kubernetes' objects. The two words are members of every object in JavaScript. */
const KEY = v.pipe(
  STRING,
  v.regex(
    /^(?!constructor$|prototype$)[a-z](?:[-a-z\d]{0,38}[a-z\d])?$/,
    'a key is wanted, as names in Kubernetes are: small letters, digits and -, a letter first, at most 40',
  ),
);
const PORT = v.pipe(
  v.number('a port is wanted, from 1 to 65535'),
  v.integer('a whole number is wanted'),
  v.minValue(1, 'a port is wanted, from 1 to 65535'),
  v.maxValue(65_535, 'a port is wanted, from 1 to 65535'),
);
const PORT_NAME = v.pipe(v.string(), v.regex(/^[a-z\d](?:[-a-z\d]*[a-z\d])?$/));
const VARIABLE = v.pipe(STRING, v.regex(/^[A-Za-z_]\w*$/, 'the name of a variable is wanted'));
const FROM_ENVIRONMENT = object({
  fromEnv: v.pipe(VARIABLE, v.description('a variable of the environment of the command, for what nobody may read')),
});
const TEXT_OR_SECRET = v.union([STRING, FROM_ENVIRONMENT], 'text is wanted, in quotes, or { fromEnv: NAME }');
const LIST_OF_TEXT = v.array(STRING, 'a list of texts is wanted');
const COMMAND = v.pipe(v.array(STRING, 'a list is wanted: a program and its arguments'), v.minLength(1, 'it is empty'));
const ADDRESS = v.pipe(
  STRING,
  v.check((text) => {
    const url = URL.parse(text);
    return url !== null && ['http:', 'https:'].includes(url.protocol) && !url.search && !url.hash;
  }, 'an address is wanted, such as https://prices.example.com/v1'),
  v.check(
    (text) => !URL.parse(text)?.username && !URL.parse(text)?.password,
    'an address without a user is wanted: give headers, with values from the environment',
  ),
);
const DURATION = v.pipe(STRING, v.regex(/^(?=.)(?:\d+h)?(?:\d+m)?(?:\d+s)?$/, 'a time is wanted, such as 90s or 2m'));
const QUANTITIES = v.record(
  STRING,
  v.pipe(
    v.union([v.string(), v.number()]),
    v.transform(String),
    v.regex(/^\d+(?:\.\d+)?(?:m|[kKMGTP]i?)?$/, 'a quantity of Kubernetes is wanted, such as 500m or 1Gi'),
  ),
  'quantities of Kubernetes are wanted, such as { cpu: 500m, memory: 1Gi }',
);
const POINTER = v.pipe(
  STRING,
  v.regex(/^(?:\/(?:[^~/]|~[01])*)*$/, 'a JSON pointer is wanted (RFC 6901), such as /prices/0'),
);
const POINTERS = v.union([POINTER, v.array(POINTER)], 'a JSON pointer is wanted (RFC 6901), such as /prices/0');
const AMOUNT = v.pipe(v.number('a number is wanted'), v.minValue(0, 'it may not be negative'));

/** The numbers that packed bytes may have, by their names in the Open Inference Protocol. */
const DATATYPES = [
  ...['BOOL', 'UINT8', 'UINT16', 'UINT32', 'UINT64', 'INT8', 'INT16', 'INT32', 'INT64', 'FP16', 'FP32', 'FP64'],
] as const;
const DATATYPE = v.picklist(DATATYPES, `one of ${DATATYPES.join(', ')} is wanted`);

export const COLUMN_TYPES = ['string', 'number', 'integer', 'boolean'] as const;

const JSON_VALUE = v.any();
const HEADERS = v.record(
  v.pipe(STRING, v.regex(/^[!#$%&'*+.^`|~\w-]+$/, 'the name of a header is wanted')),
  TEXT_OR_SECRET,
);

/** A request over HTTP. */
export const HTTP_ASK = object({
  method: v.pipe(STRING, v.regex(/^[A-Z]+$/, 'a method is wanted, such as GET')),
  path: v.pipe(
    STRING,
    v.regex(/^\/[^\s#]*$|^\{/, 'a path is wanted, such as /price{?sku} (RFC 6570)'),
    v.description('a URI template (RFC 6570), with the columns of a case as variables'),
  ),
  json: optional(JSON_VALUE, "the body, in JSON; '{column}' stands for a value, in `many` for the list of values"),
});
export const MODULE_ASK = object({
  module: v.pipe(TEXT, v.description('a Python file, for what nothing else here can ask')),
});
const MESSAGE = v.record(v.string(), JSON_VALUE, 'an object is wanted');
const ASK = v.union([HTTP_ASK, MODULE_ASK, MESSAGE], 'an object is wanted');

export const ANSWER = object({
  at: optional(POINTERS, 'where the value is (JSON pointer); of several, the first that is there counts'),
  is: optional(TEXT, 'the column that has the right value'),
  within: optional(
    v.union(
      [AMOUNT, object({ relative: v.optional(AMOUNT, 0), absolute: v.optional(AMOUNT, 0) })],
      'a number is wanted, or { relative: …, absolute: … }',
    ),
    'how far a number may be off: an absolute amount, or both, which add up; without it, it must be equal',
  ),
  many: optional(POINTERS, 'where the list of values is in an answer to `many`; by default as `at`'),
  each: optional(POINTER, 'where the value is in each element of that list'),
  replica: optional(POINTER, 'where the answer names the replica that gave it'),
  datatype: optional(DATATYPE, 'how the numbers are packed, where the value is bytes'),
});

/** What a protocol, such as open-inference, leaves open. */
export const PROTOCOL_PARAMETERS = {
  model: optional(TEXT, 'the name of the model'),
  input: optional(TEXT, 'the name of the input tensor'),
  output: optional(TEXT, 'the name of the output tensor'),
  datatype: optional(DATATYPE, 'the type of the numbers in the tensors'),
  column: optional(TEXT, 'the column that is asked for'),
  shape: optional(v.array(v.any()), "the shape of the input; '{#}' stands for the number of values"),
};

const INTERFACE = object({
  name: optional(LINE, 'what sentences call it'),
  label: optional(LINE, 'what columns and charts call it'),
  port: optional(
    v.union([PORT, PORT_NAME], 'a port is wanted, or the name of a port of the Service'),
    'its port in the container, or the name of its port in the Service of a chart',
  ),
  url: optional(ADDRESS, 'where it runs already, if it is not where the others of its server are'),
  headers: optional(HEADERS, 'further headers of each request'),
  protocol: optional(TEXT, 'a known protocol, in place of `ask`'),
  ...PROTOCOL_PARAMETERS,
  grpc: optional(
    v.pipe(STRING, v.regex(/^[\w.]+\/\w+$/, 'a method is wanted, such as price.v1.Prices/Get')),
    'the method of gRPC to call; `ask` is then its message, in the JSON form of protobuf',
  ),
  descriptors: optional(TEXT, 'a file with a FileDescriptorSet; by default the server tells them by reflection'),
  ask: optional(ASK, 'how one case is asked'),
  many: optional(ASK, 'how several cases are asked in one request'),
  answer: optional(ANSWER, 'where the answer is, and what is right'),
});

const SERVER = object({
  name: optional(LINE, 'what sentences call it'),
  label: optional(LINE, 'what columns and charts call it'),
  image: optional(TEXT, 'a container image, for a cluster and for --local'),
  chart: optional(TEXT, 'the folder of a Helm chart, for a cluster'),
  values: optional(LIST_OF_TEXT, 'values files of the chart'),
  set: optional(v.record(STRING, v.any()), 'values of the chart'),
  release: optional(KEY, 'the name of its release'),
  workload: optional(
    v.pipe(STRING, v.regex(/^(?:deployment|statefulset)\/\S+$/, 'deployment/NAME or statefulset/NAME is wanted')),
    'what of the chart is scaled and watched; by default its only Deployment',
  ),
  container: optional(TEXT, 'the container that serves; by default the first of its pod'),
  service: optional(TEXT, 'the Service of the chart that is asked; by default its only one'),
  knative: optional(
    v.record(STRING, v.any()),
    'values with which the chart makes a Knative Service that scales to zero',
  ),
  command: optional(
    COMMAND,
    'a program and its arguments, for --local without Docker; it runs in the folder of this file',
  ),
  setup: optional(COMMAND, 'what runs once before `command`, such as npm ci'),
  url: optional(ADDRESS, 'where it runs already'),
  ca: optional(TEXT, 'a file with the certificates that are trusted at `url`'),
  port: optional(PORT, 'its port in the container, for interfaces that give none'),
  args: optional(LIST_OF_TEXT, 'arguments of the image'),
  env: optional(v.record(VARIABLE, TEXT_OR_SECRET), 'variables of the environment'),
  files: optional(
    v.record(v.pipe(STRING, v.startsWith('/', 'an absolute path is wanted')), TEXT),
    'files of the container: path there, file here',
  ),
  writable: optional(
    v.array(v.pipe(STRING, v.startsWith('/', 'an absolute path is wanted'))),
    'folders that it may write to',
  ),
  user: optional(
    v.pipe(
      v.number('a number is wanted'),
      v.integer('a whole number is wanted'),
      v.minValue(0, 'it may not be negative'),
    ),
    'the number of the user that it runs as; 0 is root',
  ),
  ready: optional(
    v.pipe(STRING, v.startsWith('/', 'a path is wanted, such as /healthz')),
    'a path that answers when it is ready; by default its port must accept connections',
  ),
  startWithin: optional(DURATION, 'how long it may take to answer; by default 60s'),
  interfaces: v.pipe(
    v.record(KEY, INTERFACE, 'interfaces are wanted'),
    v.description('the ways to ask it; what is measured of the server itself goes by the first'),
  ),
});

export const SERVERS_FILE = object({
  title: v.pipe(LINE, v.description('the question, as the title of the report')),
  baseline: optional(TEXT, 'the server that all others are compared with; by default the first'),
  cases: v.pipe(
    object({
      file: v.pipe(TEXT, v.description('a file in CSV, with a header; each row is a case')),
      columns: v.pipe(
        v.record(
          v.pipe(STRING, v.regex(/^\w+$/, 'a name of letters, digits and _ is wanted')),
          v.picklist(COLUMN_TYPES, `one of ${COLUMN_TYPES.join(', ')} is wanted`),
          'a type for each column is wanted',
        ),
        v.description('the type of each column that is used'),
      ),
    }),
    v.description('what is asked, and what is right'),
  ),
  resources: optional(
    object({ requests: v.optional(QUANTITIES, {}), limits: QUANTITIES }),
    'what each server gets, as in Kubernetes',
  ),
  servers: v.pipe(v.record(KEY, SERVER, 'servers are wanted'), v.description('what is compared')),
  threats: optional(LIST_OF_TEXT, 'what a reader must know before they believe the figures'),
});

export type ServersFile = v.InferOutput<typeof SERVERS_FILE>;
export type ServerEntry = ServersFile['servers'][string];
export type InterfaceEntry = ServerEntry['interfaces'][string];
export type Secret = v.InferOutput<typeof FROM_ENVIRONMENT>;
export type TextOrSecret = v.InferOutput<typeof TEXT_OR_SECRET>;
