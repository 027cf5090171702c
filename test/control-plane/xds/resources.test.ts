import { EndpointResourceType } from '@grpc/grpc-js-xds/build/src/xds-resource-type/endpoint-resource-type.js'
import { ClusterResourceType } from '@grpc/grpc-js-xds/build/src/xds-resource-type/cluster-resource-type.js'
import { ListenerResourceType } from '@grpc/grpc-js-xds/build/src/xds-resource-type/listener-resource-type.js'
import { RouteConfigurationResourceType } from '@grpc/grpc-js-xds/build/src/xds-resource-type/route-config-resource-type.js'
import type { XdsResourceType } from '@grpc/grpc-js-xds/build/src/xds-resource-type/xds-resource-type.js'
import { register } from '@grpc/grpc-js-xds'
import type { MessageTypeDefinition } from '@grpc/proto-loader'
import { describe, expect, it } from 'vitest'
import type { ServedEndpoint } from '../../../src/core/control-plane/directory/contract.js'
import type { ClientTraits, Dialect } from '../../../src/core/control-plane/xds/client.js'
import type { Any } from '../../../src/core/control-plane/xds/messages.js'
import { makeResource } from '../../../src/core/control-plane/xds/resource.js'
import { listenerOf } from '../../../src/core/control-plane/xds/resources/listener.js'
import { ServiceResources } from '../../../src/core/control-plane/xds/resources/service-resources.js'
import type { FairleadError } from '../../../src/core/errors.js'
import { POLICY_NAMES } from '../../../src/core/balancer/policies/index.js'
import { loadProto } from '../../../src/core/protos/load.js'
import type { ServiceConfig } from '../../../src/core/registry/service-config.js'
import { served, serviceView } from '../support/fake-directory.js'

register()
const messages = loadProto('xds')

const OUTLIER_DETECTION = {
  interval: '2s',
  baseEjectionTime: '0s',
  maxEjectionPercent: 50,
  consecutiveFailures: 3,
  failurePercentageEjection: { threshold: 60 },
}
const RETRY = {
  maxAttempts: 4,
  initialBackoff: '0.1s',
  maxBackoff: '2s',
  backoffMultiplier: 3,
  retryableStatusCodes: ['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'ABORTED'],
}
const METHODS = [
  { name: [{}], timeout: '9s' },
  { name: [{ service: 'a.B' }], timeout: '1.5s', retryPolicy: RETRY },
  { name: [{ service: 'a.B', method: 'C' }], retryPolicy: { ...RETRY, retryableStatusCodes: ['ABORTED'] } },
]
const CONFIGS: readonly (ServiceConfig | undefined)[] = [
  undefined,
  ...POLICY_NAMES.map((name) => ({ loadBalancingConfig: [{ [name]: {} }] })),
  { loadBalancingConfig: [{ weighted_round_robin: { blackoutPeriod: '0.5s', errorUtilizationPenalty: 0.5 } }] },
  { loadBalancingConfig: [{ ring_hash: { minRingSize: 2000, maxRingSize: 4000, requestHashHeader: 'User' } }] },
  { methodConfig: METHODS },
  { loadBalancingConfig: [{ pick_first: { shuffleAddressList: true } }], circuitBreakers: { maxRequests: 7 } },
  {
    loadBalancingConfig: [{ outlier_detection_experimental: { ...OUTLIER_DETECTION, childPolicy: [{ random: {} }] } }],
  },
]
const DIALECTS: readonly Dialect[] = ['grpc', 'envoy']

const three = [
  served('10.0.0.1:80', { zone: 'a', weight: 1 }),
  served('10.0.0.2:80', { zone: 'b', weight: 2 }),
  served('[2001:db8::3]:80', { weight: 6, state: 'draining' }),
]

describe('resources for gRPC', () => {
  it.each(CONFIGS.map((config) => [JSON.stringify(config) ?? 'no config', config] as const))(
    'are what a client takes: %s',
    (_name, config) => {
      for (const endpoints of [[], three, three.slice(0, 1)]) {
        for (const zone of [undefined, 'b']) {
          const resources = resourcesOf(endpoints, config)
          const traits: ClientTraits = { dialect: 'grpc', zone }
          check(ClusterResourceType.get(), resources.cluster(traits).any)
          check(EndpointResourceType.get(), resources.assignment(traits).any)
          check(RouteConfigurationResourceType.get(), resources.route(traits).any)
        }
      }
    },
  )

  it('name a listener just as the client asks for it', () => {
    const { any } = makeResource('Listener', 'web:8080', listenerOf('web:8080', 'web'))
    const { name, value } = check(ListenerResourceType.get(), any)
    expect(name).toBe('web:8080')
    const manager = decode<{ rds: object }>(
      (value as { api_listener: { api_listener: Any } }).api_listener.api_listener,
    )
    expect(manager.rds).toMatchObject({ route_config_name: 'web', config_source: { ads: {} } })
  })

  it('put the weights of endpoints into localities, which take turns inside', () => {
    const weighted = [
      served('10.0.0.1:80', { weight: 1 }),
      served('10.0.0.2:80', { weight: 6 }),
      served('10.0.0.3:80', { weight: 1 }),
      served('10.0.0.4:80', { weight: 6, state: 'unhealthy' }),
    ]
    expect(localities(weighted, undefined)).toEqual([
      '0 /weight-1 =2: 10.0.0.1 HEALTHY 1, 10.0.0.3 HEALTHY 1',
      '0 /weight-6 =6: 10.0.0.2 HEALTHY 6, 10.0.0.4 UNHEALTHY 6',
    ])
    expect(clusterOf(weighted, undefined)).toMatchObject({ lb_policy: 'ROUND_ROBIN', load_balancing_policy: null })
  })

  it('leave an endpoint in its locality when its state or the weight of another one changes', () => {
    const places = (endpoints: readonly ServedEndpoint[]) =>
      localities(endpoints, undefined).map((line) => line.replace(/=\d+|HEALTHY|DRAINING/g, ''))
    const before = [served('10.0.0.1:80'), served('10.0.0.2:80')]
    const drained = [served('10.0.0.1:80'), served('10.0.0.2:80', { state: 'draining' })]
    expect(places(drained)).toEqual(places(before))
    const heavier = [served('10.0.0.1:80'), served('10.0.0.2:80', { weight: 5 })]
    expect(places(heavier)[0]).toContain('/weight-1 : 10.0.0.1')
  })

  it('give each endpoint a locality of its own where weights come from load, once they differ', () => {
    const config = { loadBalancingConfig: [{ weighted_round_robin: { blackoutPeriod: '1s' } }] }
    const alike = [served('10.0.0.1:80', { weight: 500 }), served('10.0.0.2:80', { weight: 500 })]
    expect(localities(alike, config)).toEqual(['0 / =1000: 10.0.0.1 HEALTHY 500, 10.0.0.2 HEALTHY 500'])
    const differing = [served('10.0.0.1:80', { weight: 123 }), served('10.0.0.2:80', { weight: 1000 })]
    expect(localities(differing, config)).toEqual([
      '0 /10.0.0.1:80 =123: 10.0.0.1 HEALTHY 123',
      '0 /10.0.0.2:80 =1000: 10.0.0.2 HEALTHY 1000',
    ])
    const names = policyNames(clusterOf(alike, config))
    expect(names).toEqual(['wrr_locality', 'round_robin'])
  })

  it('have clients weigh by reports as the config says', () => {
    const picking = (fields: object) => {
      const cluster = clusterOf(three, { loadBalancingConfig: [{ weighted_round_robin: fields }] })
      const locality = decode<{ endpoint_picking_policy: Policies }>(typedConfigs(cluster.load_balancing_policy)[0]!)
      return decode(typedConfigs(locality.endpoint_picking_policy)[0]!)
    }
    expect(picking({ blackoutPeriod: '1s' })).toMatchObject({
      blackout_period: { seconds: '1' },
      weight_expiration_period: { seconds: '180' },
      error_utilization_penalty: { value: 1 },
      enable_oob_load_report: null,
    })
    expect(picking({ enableOobLoadReport: true, oobReportingPeriod: '20s' })).toMatchObject({
      enable_oob_load_report: { value: true },
      oob_reporting_period: { seconds: expect.stringMatching(/^\d+$/) },
    })
  })

  it('put the client’s zone first and leave no priority out', () => {
    const config = { loadBalancingConfig: [{ round_robin: {} }] }
    const zoned = [
      served('10.0.0.1:80', { zone: 'a' }),
      served('10.0.0.2:80', { zone: 'b' }),
      served('10.0.0.3:80', { zone: 'c' }),
      served('10.0.0.4:80', { zone: 'b', state: 'draining' }),
    ]
    expect(localities(zoned, config, 'b')).toEqual([
      '0 b/ =1: 10.0.0.2 HEALTHY 1, 10.0.0.4 DRAINING 1',
      '1 a/ =1: 10.0.0.1 HEALTHY 1',
      '1 c/ =1: 10.0.0.3 HEALTHY 1',
    ])
    // Nothing usable near: all others are as near as any.
    const away = zoned.map((e) => (e.zone === 'b' ? served(e.address, { zone: 'b', state: 'draining' }) : e))
    expect(localities(away, config, 'b').map((line) => line[0])).toEqual(['0', '0', '0'])
    expect(localities(zoned, config, 'nowhere').map((line) => line[0])).toEqual(['0', '0', '0'])
  })

  it('hash by the header that the config names, else by the client', () => {
    const byHeader = { loadBalancingConfig: [{ maglev: { requestHashHeader: 'user' } }] }
    const policies = (config: ServiceConfig, dialect: Dialect = 'grpc') =>
      decode<{ virtual_hosts: { routes: { route: { hash_policy: object[] } }[] }[] }>(
        resourcesOf(three, config).route({ dialect, zone: undefined }).any,
      ).virtual_hosts[0]!.routes[0]!.route.hash_policy
    expect(policies(byHeader)).toMatchObject([{ header: { header_name: 'user' } }])
    const byClient = { loadBalancingConfig: [{ source_hash: {} }] }
    expect(policies(byClient)).toMatchObject([{ filter_state: { key: 'io.grpc.channel_id' } }])
    expect(policies(byClient, 'envoy')).toMatchObject([{ connection_properties: { source_ip: true } }])
    expect(policies({ loadBalancingConfig: [{ round_robin: {} }] })).toEqual([])
    // gRPC multiplies an endpoint's weight by its locality's.
    expect(localities(three, byClient)).toHaveLength(1)
    expect(clusterOf(three, byClient)).toMatchObject({ lb_policy: 'RING_HASH' })
  })

  it('give peers that lack a policy another one to fall back to', () => {
    const named = (name: string, config: object = {}) =>
      policyNames(clusterOf(three, { loadBalancingConfig: [{ [name]: config }] }))
    expect(named('least_request')).toEqual(['wrr_locality', 'round_robin'])
    expect(named('least_connections')).toEqual(['wrr_locality', 'round_robin'])
    expect(named('random')).toEqual(['round_robin'])
    expect(named('pick_first')).toEqual(['pick_first', 'pick_first', 'round_robin'])
  })
})

describe('resources for Envoy', () => {
  const envoyPolicy = (name: string) => clusterOf(three, { loadBalancingConfig: [{ [name]: {} }] }, 'envoy')

  it('use Envoy’s own policies, and its weights of endpoints', () => {
    expect(clusterOf(three, undefined, 'envoy')).toMatchObject({ lb_policy: 'ROUND_ROBIN', lrs_server: null })
    expect(localities(three.slice(0, 2), undefined, undefined, 'envoy')).toEqual([
      '0 a/ =1: 10.0.0.1 HEALTHY 1',
      '0 b/ =2: 10.0.0.2 HEALTHY 2',
    ])
    expect(envoyPolicy('random')).toMatchObject({ lb_policy: 'RANDOM' })
    expect(envoyPolicy('maglev')).toMatchObject({ lb_policy: 'MAGLEV' })
    expect(envoyPolicy('source_hash')).toMatchObject({ lb_policy: 'RING_HASH' })
    expect(envoyPolicy('least_request')).toMatchObject({ least_request_lb_config: { choice_count: { value: 2 } } })
    expect(policyNames(envoyPolicy('least_connections'))).toEqual(['least_request'])
    const equal = { loadBalancingConfig: [{ round_robin: {} }] }
    expect(localities(three.slice(1, 2), equal, undefined, 'envoy')).toEqual(['0 b/ =2: 10.0.0.2 HEALTHY 1'])
  })

  it('have the first usable endpoint before all others for pick_first', () => {
    const config = { loadBalancingConfig: [{ pick_first: {} }] }
    const endpoints = [
      served('10.0.0.1:80', { state: 'draining' }),
      served('10.0.0.2:80'),
      served('10.0.0.3:80', { zone: 'a' }),
    ]
    expect(localities(endpoints, config, undefined, 'envoy')).toEqual([
      '0 / =1: 10.0.0.2 HEALTHY 1',
      '1 / =1: 10.0.0.1 DRAINING 1',
      '1 a/ =1: 10.0.0.3 HEALTHY 1',
    ])
  })

  it('say what is spoken to endpoints: what all of them say, else what the client speaks', () => {
    const spoken = (...protocols: string[]) => {
      const endpoints = protocols.map((protocol, i) => served(`10.0.0.${i}:80`, { meta: { protocol } }))
      const { typed_extension_protocol_options: options } = clusterOf(endpoints, undefined, 'envoy')
      return decode(Object.values(options as Record<string, Any>)[0]!)
    }
    expect(spoken('grpc', 'H2')).toMatchObject({ explicit_http_config: { http2_protocol_options: {} } })
    expect(spoken('h1')).toMatchObject({ explicit_http_config: { http_protocol_options: {} } })
    expect(spoken('h2', 'h1')).toMatchObject({ use_downstream_protocol_config: { http2_protocol_options: {} } })
    expect(spoken()).toMatchObject({ use_downstream_protocol_config: {} })
  })
})

describe('resources for everybody', () => {
  it('limit and repeat calls as methodConfig says, methods before services before the rest', () => {
    const routes = (dialect: Dialect) =>
      decode<{ virtual_hosts: { routes: { route: object }[] }[] }>(
        resourcesOf(three, { methodConfig: METHODS }).route({ dialect, zone: undefined }).any,
      ).virtual_hosts[0]!.routes
    const retry_policy = {
      retry_on: 'unavailable,deadline-exceeded',
      num_retries: { value: 3 },
      retry_back_off: { base_interval: { nanos: 100_000_000 }, max_interval: { seconds: '2' } },
    }
    const limit = (seconds: string, nanos = 0) => ({ max_stream_duration: { max_stream_duration: { seconds, nanos } } })
    expect(routes('grpc')).toMatchObject([
      { match: { path: '/a.B/C' }, route: { cluster: 'web', retry_policy: null, max_stream_duration: null } },
      { match: { prefix: '/a.B/' }, route: { ...limit('1', 500_000_000), retry_policy } },
      { match: { prefix: '' }, route: { ...limit('9'), retry_policy: null } },
    ])
    const timeouts = [{ seconds: '0' }, { seconds: '1', nanos: 500_000_000 }, { seconds: '9' }]
    expect(routes('envoy')).toMatchObject(timeouts.map((timeout) => ({ route: { timeout } })))
  })

  it.each(DIALECTS)('carry outlier detection as configured, and what is not wanted as off (%s)', (dialect) => {
    const config = {
      loadBalancingConfig: [
        { outlier_detection_experimental: { ...OUTLIER_DETECTION, childPolicy: [{ random: {} }] } },
      ],
    }
    expect(clusterOf(three, config, dialect)).toMatchObject({
      outlier_detection: {
        interval: { seconds: '2', nanos: 0 },
        // Envoy refuses 0.
        base_ejection_time: { seconds: '0', nanos: 1_000_000 },
        max_ejection_percent: { value: 50 },
        consecutive_5xx: { value: 3 },
        enforcing_success_rate: { value: 0 },
        enforcing_failure_percentage: { value: 100 },
        failure_percentage_threshold: { value: 60 },
      },
    })
    expect(clusterOf(three, undefined, dialect)).toMatchObject({ outlier_detection: null })
  })

  it('limit nothing but what circuitBreakers limits', () => {
    const thresholds = (config?: ServiceConfig) =>
      (clusterOf(three, config) as { circuit_breakers: { thresholds: object[] } }).circuit_breakers.thresholds
    const most = { value: 4_294_967_295 }
    expect(thresholds()).toMatchObject([{ priority: 'DEFAULT', max_requests: most, max_connections: most }])
    expect(thresholds({ circuitBreakers: { maxRequests: 7 } })).toMatchObject([
      { max_requests: { value: 7 }, max_retries: most },
    ])
  })

  it('pass over what a config says about calls that cannot be, and tell', () => {
    const problems: FairleadError[] = []
    const view = serviceView('web', three, { serviceConfig: { methodConfig: [{ name: [{}], timeout: 'soon' }] } })
    const resources = new ServiceResources(view, {
      loadReports: true,
      onProblem: (problem) => void problems.push(problem),
    })
    expect(decode(resources.route({ dialect: 'grpc', zone: undefined }).any)).toMatchObject({ name: 'web' })
    expect(problems.map(({ message }) => message)).toEqual([expect.stringContaining('timeout')])
  })

  it('pass over circuit breakers that say nothing, and tell', () => {
    const problems: FairleadError[] = []
    const view = serviceView('web', three, { serviceConfig: { circuitBreakers: { maxRequests: 'many' } } })
    const resources = new ServiceResources(view, {
      loadReports: true,
      onProblem: (problem) => void problems.push(problem),
    })
    const limits = decode<{ circuit_breakers: object }>(resources.cluster({ dialect: 'grpc', zone: undefined }).any)
    expect(limits.circuit_breakers).toMatchObject({ thresholds: [{ max_requests: { value: 4_294_967_295 } }] })
    expect(problems.map(({ message }) => message)).toEqual([expect.stringContaining('maxRequests')])
  })

  it('are made once for all clients alike, with versions that tell contents apart', () => {
    const resources = resourcesOf(three, undefined)
    const assignment = resources.assignment({ dialect: 'grpc', zone: undefined })
    expect(resources.assignment({ dialect: 'grpc', zone: 'nowhere' })).toBe(assignment)
    expect(resources.assignment({ dialect: 'grpc', zone: 'a' })).not.toBe(assignment)
    const again = resourcesOf(three, undefined)
    expect(again.assignment({ dialect: 'grpc', zone: undefined }).version).toBe(assignment.version)
    const fewer = resourcesOf(three.slice(1), undefined)
    expect(fewer.assignment({ dialect: 'grpc', zone: undefined }).version).not.toBe(assignment.version)
    const version = (of: ServiceResources) => of.cluster({ dialect: 'grpc', zone: undefined }).version
    expect(version(fewer)).toBe(version(resources))
  })
})

function resourcesOf(endpoints: readonly ServedEndpoint[], config: ServiceConfig | undefined): ServiceResources {
  const view = serviceView('web', endpoints, config === undefined ? {} : { serviceConfig: config })
  return new ServiceResources(view, { loadReports: true, onProblem: (problem) => expect.fail(problem.message) })
}

function clusterOf(endpoints: readonly ServedEndpoint[], config?: ServiceConfig, dialect: Dialect = 'grpc') {
  return decode<Record<string, unknown>>(resourcesOf(endpoints, config).cluster({ dialect, zone: undefined }).any)
}

/** `priority zone/sub_zone =weight: address health weight, …` */
function localities(
  endpoints: readonly ServedEndpoint[],
  config: ServiceConfig | undefined,
  zone?: string,
  dialect: Dialect = 'grpc',
): string[] {
  interface LbEndpoint {
    readonly endpoint: { readonly address: { readonly socket_address: { readonly address: string } } }
    readonly health_status: string
    readonly load_balancing_weight: { readonly value: number }
  }
  interface Assignment {
    readonly endpoints: readonly {
      readonly locality: { readonly zone: string; readonly sub_zone: string }
      readonly priority: number
      readonly load_balancing_weight: { readonly value: number }
      readonly lb_endpoints: readonly LbEndpoint[]
    }[]
  }
  const assignment = decode<Assignment>(resourcesOf(endpoints, config).assignment({ dialect, zone }).any)
  const endpointText = ({ endpoint, health_status, load_balancing_weight }: LbEndpoint) =>
    `${endpoint.address.socket_address.address} ${health_status} ${load_balancing_weight.value}`
  return assignment.endpoints.map(
    ({ locality, priority, load_balancing_weight, lb_endpoints }) =>
      `${priority} ${locality.zone}/${locality.sub_zone} =${load_balancing_weight.value}: ` +
      lb_endpoints.map(endpointText).join(', '),
  )
}

interface Policies {
  readonly policies: readonly {
    readonly typed_extension_config: { readonly name: string; readonly typed_config: Any }
  }[]
}

function typedConfigs(list: unknown): Any[] {
  return (list as Policies).policies.map(({ typed_extension_config: { typed_config } }) => typed_config)
}

function policyNames(cluster: Record<string, unknown>): string[] {
  const { policies } = cluster.load_balancing_policy as Policies
  return policies.map(({ typed_extension_config: { name } }) => name.replace('envoy.load_balancing_policies.', ''))
}

function decode<T = object>({ type_url, value }: Any): T {
  const type = messages[type_url.slice(type_url.indexOf('/') + 1)] as MessageTypeDefinition<object, object>
  return type.deserialize(value) as T
}

/** What a client of grpc-js makes of a resource. Fails where it refuses it. */
function check(type: XdsResourceType, any: Any) {
  const context = { bootstrap: { certificateProviders: {} }, server: {} } as never
  const result = type.decode(context, any as never)
  expect(result.error).toBeUndefined()
  return result
}
