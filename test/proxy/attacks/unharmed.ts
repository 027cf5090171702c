import type { Writable } from 'node:stream'
import { expect } from 'vitest'

/** Runs `attack` while `bystander` sends one request after the other, and once more afterwards: all must be answered. */
export async function unharmedBy(bystander: () => Promise<string>, attack: () => Promise<unknown>): Promise<void> {
  let over = false
  const attacked = attack().finally(() => {
    over = true
  })
  attacked.catch(() => {})
  do expect(await bystander()).toBe('200 ok')
  while (!over)
  await attacked
  expect(await bystander()).toBe('200 ok')
}

/** Writes zeros for as long as there is somebody to take them, and counts what was taken. */
export function sendForEver(stream: Writable, backend: { sent: number }): void {
  const piece = Buffer.alloc(16_384)
  const more = () => {
    while (!stream.destroyed) {
      const flowing = stream.write(piece, () => (backend.sent += piece.length))
      if (!flowing) return
    }
  }
  stream.on('drain', more)
  more()
}
