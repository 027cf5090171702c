import { checkServerIdentity, type PeerCertificate } from 'node:tls'

/** Why `certificate` is not for `name`, or undefined. Never throws, which node's own check may for odd certificates. */
export function identityError(name: string, certificate: PeerCertificate): Error | undefined {
  try {
    return checkServerIdentity(name, certificate)
  } catch (error) {
    return error as Error
  }
}
