import { v4 as uuid } from 'uuid';
import packageJson from '../../package.json' with { type: 'json' };

/** Names this process, and so the replica that gave an answer: a v4 uuid, made when the process starts. */
export const appId = uuid();

/** The project's version, which is also the image's. */
export const version = packageJson.version;
