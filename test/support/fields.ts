import { FieldCursor } from '../../src/core/proxy/http/field-cursor.js'

/** Visits the fields of the field block `block[0, length)` in order. */
export function fields(block: Buffer, length: number, visit: (name: string, value: string) => void): void {
  const cursor = new FieldCursor().at(block, length)
  while (cursor.next()) visit(cursor.name, cursor.value)
}
