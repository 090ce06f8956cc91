import pino from 'pino';
import { settings } from './settings.ts';

/** JSON lines on standard output, written at once: none is lost when the process ends. */
export const log = pino({
  level: settings.LOG_LEVEL,
  base: null,
  timestamp: pino.stdTimeFunctions.isoTime,
  formatters: { level: (level) => ({ level }) },
});
