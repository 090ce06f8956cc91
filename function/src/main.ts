import type { AddressInfo } from 'node:net';
import { fahrenheitToCelsius } from './function.ts';
import { appId, version } from './identity.ts';
import { log } from './log.ts';
import { createFunctionServer, type FunctionServer } from './server.ts';
import { settings } from './settings.ts';
import { onStopSignal } from './signals.ts';

const { PORT: port, FUNCTION_RUNTIME: runtime } = settings;

async function main(): Promise<void> {
  // The framework is imported only if it is used, because loading it takes most of the start-up time.
  const pipeline = runtime === 'node' ? fahrenheitToCelsius : (await import('./framework.ts')).frameworkPipeline();
  const functionServer = createFunctionServer(pipeline, settings);
  const { server } = functionServer;

  onStopSignal((signal) => void shutDown(functionServer, signal), stopAtOnce);

  server.on('error', (error) => {
    console.error(
      `f2c-function: PORT is ${port}, which can't be listened on (${error.message}); set it to a free port.`,
    );
    process.exit(1);
  });
  server.listen(port, () => {
    const { port } = server.address() as AddressInfo;
    log.info({ version, runtime, appId, port, url: `http://localhost:${port}/?fahrenheit=212` }, 'ready');
  });
}

/** Ends the process: with exit code 0 if no request was cut off, or with 1 if some were, or may have been. */
async function shutDown({ drain }: FunctionServer, signal: NodeJS.Signals): Promise<void> {
  log.info({ signal }, `draining: new work is still served for ${settings.DRAIN_DELAY_SECONDS} s`);
  if (await drain()) {
    log.info('stopped');
    process.exit(0);
  }
  log.warn(`stopped: requests that took over ${settings.DRAIN_TIMEOUT_SECONDS} s more were cut off`);
  process.exit(1);
}

function stopAtOnce(signal: NodeJS.Signals): void {
  log.warn({ signal }, 'stopped at once by a second signal');
  process.exit(1);
}

process.on('uncaughtException', (error) => {
  log.fatal(error);
  process.exit(1);
});

void main();
