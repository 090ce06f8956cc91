import pino from 'pino';
import { settings } from './settings.ts';

/** Writes JSON lines to standard output. Each is written synchronously, so that none is lost when the process ends. */
export const log = pino({
  level: settings.LOG_LEVEL,
  base: null,
  timestamp: pino.stdTimeFunctions.isoTime,
  formatters: { level: (level) => ({ level }) },
});
