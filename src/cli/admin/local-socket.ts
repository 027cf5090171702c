import { runtimeFolders, socketName } from '../../core/admin/runtime-folder.js'
import type { Admin } from '../../core/admin/start.js'
import { asFairleadError } from '../../core/errors.js'
import type { Logger } from '../../core/runtime.js'

/**
 * Opens the socket by which the user finds this process. One that cannot be had is told to the log, and is no reason to end.
 *
 * @param listening where the process listens: `scheme://host:port`
 */
export async function openLocalSocket(
  admin: Admin,
  kind: 'proxy' | 'serve',
  listening: string,
  log: Logger,
): Promise<void> {
  try {
    const port = Number(/\d*$/.exec(listening)![0])
    const path = await admin.listenLocally(runtimeFolders(process.env), socketName(kind, process.pid, port))
    log.debug('the admin socket is open', { path })
  } catch (error) {
    log.info('no admin socket', { error: asFairleadError(error).message })
  }
}
