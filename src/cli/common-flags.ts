import { Flags } from '@oclif/core'
import { LOG_FORMATS, LOG_LEVELS } from './log.js'
import { OUTPUT_FORMATS } from './output/document.js'

const REGISTRY = 'REGISTRY'
const OUTPUT = 'OUTPUT'

/**
 * The flags of every command. None has a default or an `env` of its own here: settings.ts looks those up when the
 * command runs, in the order flag, FAIRLEAD_*, ETCDCTL_*, config file, default.
 */
export const commonFlags = {
  'endpoints': Flags.string({
    helpGroup: REGISTRY,
    helpValue: 'HOST:PORT,…',
    description:
      'etcd endpoints, separated by commas [default: 127.0.0.1:2379; env: FAIRLEAD_ENDPOINTS, ETCDCTL_ENDPOINTS]',
  }),
  'cacert': Flags.string({
    helpGroup: REGISTRY,
    helpValue: 'FILE',
    description: 'CA certificates (PEM) to verify etcd with; turns TLS on',
  }),
  'cert': Flags.string({ helpGroup: REGISTRY, helpValue: 'FILE', description: 'client certificate (PEM)' }),
  'key': Flags.string({ helpGroup: REGISTRY, helpValue: 'FILE', description: 'key of the client certificate (PEM)' }),
  'user': Flags.string({
    helpGroup: REGISTRY,
    helpValue: 'NAME',
    description: 'etcd user; its password comes from --password-file or FAIRLEAD_PASSWORD, never from an argument',
  }),
  'password-file': Flags.string({
    helpGroup: REGISTRY,
    helpValue: 'FILE',
    description: "file with the user's password (one line end at its end is dropped)",
  }),
  'insecure': Flags.boolean({
    helpGroup: REGISTRY,
    description: 'let a password go over plaintext to another host',
    default: undefined as unknown as boolean,
  }),
  'dial-timeout': Flags.string({
    helpGroup: REGISTRY,
    helpValue: 'DURATION',
    description: 'how long a connection may take to stand [default: 2s]',
  }),
  'command-timeout': Flags.string({
    helpGroup: REGISTRY,
    helpValue: 'DURATION',
    description: 'how long one request may take [default: 5s]',
  }),
  'prefix': Flags.string({
    helpGroup: REGISTRY,
    helpValue: 'PREFIX',
    description: 'key prefix of all records [default: /ns]',
  }),
  'config': Flags.string({
    helpGroup: REGISTRY,
    helpValue: 'FILE|-',
    description: 'YAML or JSON file with these flags as keys; - reads it from stdin',
  }),
  'output': Flags.string({
    char: 'o',
    helpGroup: OUTPUT,
    options: OUTPUT_FORMATS,
    description: 'how to print [default: table]',
  }),
  'json': Flags.boolean({ helpGroup: OUTPUT, description: 'the same as -o json, and wins over any other' }),
  'no-color': Flags.boolean({ helpGroup: OUTPUT, description: 'no colours (NO_COLOR does the same)' }),
  'log-level': Flags.string({
    helpGroup: OUTPUT,
    options: LOG_LEVELS,
    description: 'what to log to stderr [default: warn]',
  }),
  'log-format': Flags.string({
    helpGroup: OUTPUT,
    options: LOG_FORMATS,
    description: 'how to write to stderr: for people, or a JSON object a line [default: text]',
  }),
}
