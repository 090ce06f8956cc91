import * as v from 'valibot';

/** Every setting: an environment variable with its default, what it accepts, and its meaning. */
export const settingsSchema = v.object({
  PORT: whole(8080, [0, 65_535], 'TCP port to listen on; 0 picks a free one'),
  FUNCTION_RUNTIME: choice(
    ['functions-framework', 'node'],
    'What calls the function: the whole framework, or `node:http` alone',
  ),
  MAX_VALUES: whole(10_000, [1, 1_000_000], 'Maximum number of values per request'),
  BODY_LIMIT_BYTES: whole(1_048_576, [1, 1_073_741_824], 'Maximum size of a request body'),
  HEADERS_TIMEOUT_SECONDS: seconds(
    10,
    [0.1, 3600],
    "Maximum time for a request's headers to arrive; capped by the next setting",
  ),
  REQUEST_TIMEOUT_SECONDS: seconds(30, [0.1, 3600], 'Maximum time for a whole request to arrive'),
  KEEP_ALIVE_TIMEOUT_SECONDS: seconds(620, [0.1, 86_400], 'How long an idle connection stays open'),
  MAX_REQUESTS_PER_CONNECTION: whole(
    0,
    [0, 1_000_000_000],
    'Number of requests after which a connection is closed; 0 for no limit',
  ),
  DRAIN_DELAY_SECONDS: seconds(5, [0, 3600], 'How long new requests are still served after SIGTERM or SIGINT'),
  DRAIN_TIMEOUT_SECONDS: seconds(20, [0.1, 3600], 'How long requests in flight may then take to finish'),
  LOG_LEVEL: choice(['info', 'debug', 'warn', 'error', 'silent'], 'Lowest severity that is logged'),
  LOG_REQUESTS: flag('Write one log line per request'),
});

export type Settings = v.InferOutput<typeof settingsSchema>;

/** The settings of this process. A bad one ends it with exit code 1 and a sentence that says what is accepted. */
export const settings = readSettings(process.env);

function readSettings(env: NodeJS.ProcessEnv): Settings {
  const result = v.safeParse(settingsSchema, env);
  if (result.success) return result.output;
  for (const { message, input, path } of result.issues) {
    console.error(`f2c-function: ${String(path?.[0].key)} is ${JSON.stringify(input)}; accepted is ${message}.`);
  }
  process.exit(1);
}

type Range = readonly [min: number, max: number];

function whole(byDefault: number, range: Range, meaning: string) {
  return number(/^\d+$/, 'a whole number', byDefault, range, meaning);
}

function seconds(byDefault: number, range: Range, meaning: string) {
  return number(/^\d+(?:\.\d+)?$/, 'a number of seconds', byDefault, range, meaning);
}

function number(pattern: RegExp, kind: string, byDefault: number, [min, max]: Range, meaning: string) {
  const isAccepted = (text: string) => pattern.test(text) && Number(text) >= min && Number(text) <= max;
  return setting(`${kind} from ${min} to ${max}`, String(byDefault), isAccepted, Number, meaning);
}

/** @param choices the first is the default */
function choice<const Choices extends readonly [string, ...string[]]>(choices: Choices, meaning: string) {
  const isAccepted = (text: string) => choices.includes(text);
  return setting(choices.join(' or '), choices[0], isAccepted, (text) => text as Choices[number], meaning);
}

/** Makes a setting that is off by default. */
function flag(meaning: string) {
  const isAccepted = (text: string) => text === 'true' || text === 'false';
  return setting('true or false', 'false', isAccepted, (text) => text === 'true', meaning);
}

function setting<Value>(
  accepted: string,
  byDefault: string,
  isAccepted: (text: string) => boolean,
  convert: (text: string) => Value,
  meaning: string,
) {
  const schema = v.pipe(
    v.string(),
    v.check(isAccepted, accepted),
    v.transform(convert),
    v.metadata({ accepted, meaning }),
  );
  return v.optional(schema, byDefault);
}
