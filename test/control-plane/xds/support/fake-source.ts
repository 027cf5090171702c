import type { Resource } from '../../../../src/core/control-plane/xds/resource.js'
import type { ResourceSource } from '../../../../src/core/control-plane/xds/subscription.js'

/** Resources that are nothing but a name and a version. What was never set is absent. */
export class FakeSource implements ResourceSource {
  readonly #versions = new Map<string, string>()
  namesKnown = true

  /** A version, `pending` or `absent`. */
  set(name: string, version: string): void {
    this.#versions.set(name, version)
  }

  find(name: string): Resource | 'pending' | 'absent' {
    const version = this.#versions.get(name) ?? 'absent'
    if (version === 'pending' || version === 'absent') return version
    return { name, version, any: { type_url: '', value: Buffer.alloc(0) } }
  }

  all(): readonly string[] | undefined {
    if (!this.namesKnown) return undefined
    return [...this.#versions].filter(([, version]) => version !== 'absent').map(([name]) => name)
  }
}
