import type { Socket } from 'node:net'

/**
 * Closes a socket so that its peer sees a reset. `resetAndDestroy` would send a FIN first and wait for unsent bytes; what it
 * sets makes destroy alone send the RST. `top` is what lies on the socket and is destroyed with it: TLS, say.
 */
export function breakOff(socket: Socket, top: Socket = socket): void {
  // "The SO_LINGER socket option should not be used in combination with shutdown()" (libuv, uv_tcp_close_reset): while the
  // FIN is under way a reset is refused, and Node would never close the socket. All that was written is with the kernel then.
  const shuttingDown = top.writableEnded && top.writableLength === 0 && !top.writableFinished
  if (!shuttingDown) (socket as unknown as { resetAndClosing: boolean }).resetAndClosing = true
  top.destroy()
}
