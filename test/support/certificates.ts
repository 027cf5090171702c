import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generate } from 'selfsigned'

export interface KeyPair {
  readonly cert: Buffer
  readonly key: Buffer
}

export interface Certificates {
  readonly ca: Buffer
  /** For localhost and 127.0.0.1, signed by `ca`. */
  readonly server: KeyPair
  /** Signed by `ca`. */
  readonly client: KeyPair
  /** For another name, signed by `ca`. */
  readonly misnamed: KeyPair
  /** An authority that signed none of these. */
  readonly stranger: Buffer
  /** The paths of `ca`, `server.cert` and `server.key` as PEM files. */
  readonly files: { readonly ca: string; readonly cert: string; readonly key: string }
  /** For `hosts` (default: localhost and 127.0.0.1), signed by `ca`, with this common name; valid for `days` from now (at least -1). */
  issue(name: string, days?: number, hosts?: readonly string[]): Promise<KeyPair>
  /** Removes the files. */
  remove(): Promise<void>
}

/** Makes a certificate authority with a server and a client certificate. */
export async function makeCertificates(): Promise<Certificates> {
  const [authority, stranger] = await Promise.all([makeAuthority('fairlead test'), makeAuthority('somebody else')])
  const [server, client, misnamed] = await Promise.all([
    signed('server', authority, SERVER_NAMES),
    signed('client', authority, []),
    signed('misnamed', authority, [{ type: 2, value: 'elsewhere.example' }]),
  ])
  const directory = await mkdtemp(join(tmpdir(), 'fairlead-certificates-'))
  const files = { ca: join(directory, 'ca.pem'), cert: join(directory, 'cert.pem'), key: join(directory, 'key.pem') }
  await Promise.all([
    writeFile(files.ca, authority.cert),
    writeFile(files.cert, server.cert),
    writeFile(files.key, server.key),
  ])
  return {
    ca: Buffer.from(authority.cert),
    server,
    client,
    misnamed,
    stranger: Buffer.from(stranger.cert),
    files,
    issue: (name, days, hosts) =>
      signed(name, authority, hosts?.map((value) => ({ type: 2, value })) ?? SERVER_NAMES, days),
    remove: () => rm(directory, { recursive: true, force: true }),
  }
}

async function makeAuthority(name: string): Promise<{ readonly cert: string; readonly key: string }> {
  const made = await generate([{ name: 'commonName', value: name }], {
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  })
  return { cert: made.cert, key: made.private }
}

const DAY_MS = 86_400_000

type Name = { type: 2; value: string } | { type: 7; ip: string }

const SERVER_NAMES: readonly Name[] = [
  { type: 2, value: 'localhost' },
  { type: 7, ip: '127.0.0.1' },
]

async function signed(
  name: string,
  ca: { readonly cert: string; readonly key: string },
  altNames: readonly Name[],
  days = 365,
): Promise<KeyPair> {
  const made = await generate([{ name: 'commonName', value: name }], {
    keyType: 'ec',
    algorithm: 'sha256',
    ca,
    notBeforeDate: new Date(Date.now() - 2 * DAY_MS),
    notAfterDate: new Date(Date.now() + days * DAY_MS),
    extensions: [
      { name: 'basicConstraints', cA: false },
      { name: 'keyUsage', digitalSignature: true },
      { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
      ...(altNames.length > 0 ? [{ name: 'subjectAltName' as const, altNames: [...altNames] }] : []),
    ],
  })
  return { cert: Buffer.from(made.cert), key: Buffer.from(made.private) }
}
