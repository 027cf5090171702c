import { POLICY_NAMES } from '../../../src/core/balancer/policies/index.js'
import { describePolicy } from '../../contracts/policy.contract.js'

for (const name of POLICY_NAMES) describePolicy(name)
