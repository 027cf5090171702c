import { asFairleadError, type FairleadError } from '../../../errors.js'
import type { ServiceView } from '../../directory/contract.js'
import type { ClientTraits, Dialect } from '../client.js'
import { makeResource, type Resource } from '../resource.js'
import { assignmentOf } from './assignment.js'
import { type Balancing, balancingOf } from './balancing.js'
import { clusterOf } from './cluster.js'
import { routeOf } from './route.js'

export interface ServiceResourcesOptions {
  /** Whether gRPC's clients are to report their load. */
  readonly loadReports: boolean
  /** Hears of what in the service's config cannot be used; it counts as if it were not there. */
  readonly onProblem: (problem: FairleadError) => void
}

/** What is the same for all clients of a dialect. */
interface Common {
  readonly balancing: Balancing
  readonly cluster: Resource
  readonly route: Resource
}

/**
 * The resources of one view of a service. Each is made when it is first asked for and then shared by all who get it: there are as many
 * as there are dialects and zones with endpoints, however many clients.
 */
export class ServiceResources {
  readonly #view: ServiceView
  readonly #common = new Map<Dialect, Common>()
  readonly #assignments = new Map<string, Resource>()
  readonly #options: ServiceResourcesOptions

  constructor(view: ServiceView, options: ServiceResourcesOptions) {
    this.#view = view
    this.#options = options
  }

  cluster({ dialect }: ClientTraits): Resource {
    return this.#commonOf(dialect).cluster
  }

  route({ dialect }: ClientTraits): Resource {
    return this.#commonOf(dialect).route
  }

  assignment({ dialect, zone }: ClientTraits): Resource {
    // A zone without an endpoint makes no difference, and there is no end to the names that clients can say.
    const near = this.#view.endpoints.some((endpoint) => endpoint.zone === zone) ? zone : undefined
    const key = `${dialect}\n${near ?? ''}`
    let made = this.#assignments.get(key)
    if (!made) {
      const message = assignmentOf(this.#view, this.#commonOf(dialect).balancing, near)
      made = makeResource('ClusterLoadAssignment', this.#view.service, message)
      this.#assignments.set(key, made)
    }
    return made
  }

  #commonOf(dialect: Dialect): Common {
    let common = this.#common.get(dialect)
    if (!common) {
      const { service } = this.#view
      const { loadReports } = this.#options
      const balancing = balancingOf(this.#view, dialect)
      common = {
        balancing,
        cluster: makeResource(
          'Cluster',
          service,
          this.#made((view) => clusterOf(view, balancing, dialect, loadReports)),
        ),
        route: makeResource(
          'RouteConfiguration',
          service,
          this.#made((view) => routeOf(view, balancing, dialect)),
        ),
      }
      this.#common.set(dialect, common)
    }
    return common
  }

  /** Made of the view or, where its config has something that cannot be used, of what it is without. */
  #made(make: (view: ServiceView) => object): object {
    try {
      return make(this.#view)
    } catch (error) {
      this.#options.onProblem(asFairleadError(error))
      return make({ ...this.#view, serviceConfig: undefined })
    }
  }
}
