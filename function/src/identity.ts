import { v4 as uuid } from 'uuid';
import packageJson from '../../package.json' with { type: 'json' };

/** Identifies this process, and with it the replica that gave an answer. It is a version 4 UUID, made at the start. */
export const appId = uuid();

/** The version of the project, and of the image. */
export const version = packageJson.version;
