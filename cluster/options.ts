// The command line of `npm run cluster`, read and checked.

import { Command, InvalidArgumentError, Option } from 'commander';
import { choiceOptions, type Choice } from '../lib/kubernetes/connection.ts';

export interface Options extends Choice {
  /** Use a cluster that exists, and create none. */
  current: boolean;
  /** Build the images; otherwise Docker must have them. */
  build: boolean;
  /** Where the nodes pull the images from: a registry, with an account where it has some, such as `docker.io/me`. */
  push?: string;
}

const EXAMPLES = `
Examples:
  npm run cluster                         a new kind cluster, in five to ten minutes; later runs take less than one
  npm run cluster -- --current            builds the images and loads them into your kind or minikube, in two to five
                                          minutes; any other cluster must have them, which it checks in seconds
  npm run cluster -- --current --push docker.io/me
                                          pushes the images for a cluster whose nodes pull them from there
  npm run cluster -- --no-build           loads the images that Docker has, as CI does
  kind delete cluster --name f2c          removes the kind cluster

Exit codes: 0 the cluster is ready, 1 something is missing or broke, 2 wrong use, 130 interrupted.`;

/** @throws CommanderError with exit code 2 on wrong use, 0 after --help; the text is printed already */
export function readOptions(argv: string[]): Options {
  const [context, kubeconfig] = choiceOptions();
  const command = new Command('npm run cluster --')
    .description(
      'Brings up what `npm run compare` needs: a kind cluster named f2c, whose node ports 30080 and 30501 answer on ' +
        '127.0.0.1, with metrics-server and the three images of this project. A cluster f2c that exists is used again.',
    )
    .option(
      '--current',
      'use the cluster that kubectl points to: install nothing there, only provide the images and check',
    )
    .addOption(context)
    .addOption(kubeconfig)
    .addOption(
      new Option(
        '--push <registry>',
        'with --current: push the images to this registry, and print the options that make `npm run compare` use them',
      ).argParser(registry),
    )
    .option('--no-build', 'use the images that Docker has, and build none')
    .allowExcessArguments(false)
    .addHelpText('after', EXAMPLES)
    .exitOverride((error) => {
      error.exitCode &&= 2;
      throw error;
    });
  const { current = false, build, ...others } = command.parse(argv, { from: 'user' }).opts<Given>();
  const [other] = Object.keys(others);
  if (other !== undefined && !current) {
    command.error(`error: --${other} is for a cluster that exists: give --current too.`);
  }
  return { current, build, ...others };
}

type Given = Omit<Options, 'current'> & { current?: boolean };

/** A host with its port, and names of accounts or projects, as the names of images take them. */
const REGISTRY = /^[a-z0-9]+([.-]+[a-z0-9]+)*(:\d+)?(\/[a-z0-9]+((\.|__?|-+)[a-z0-9]+)*)*$/;

/** @throws InvalidArgumentError if images can't have the text before their names */
export function registry(text: string): string {
  if (!REGISTRY.test(text)) {
    throw new InvalidArgumentError(
      'A registry is wanted, in lowercase letters, without https:// or a slash at the end, such as docker.io/me.',
    );
  }
  return text;
}
