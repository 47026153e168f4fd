/** What somebody tried out, and nobody tidied up. **/
import { resourceName } from './shared/naming.bicep'

/** Inputs **/
@description('Region of all resources but the legacy vault')
param location string

@description('Short name of the platform')
param project string

@description('Tags of all resources')
param tags object

/** Nested Modules **/
@description('The database account of prompt evaluations')
module evaluations './modules/cosmosdb.bicep' = {
  params: {
    location: location
    name: resourceName('cosmos', project, 'evaluations')
    settings: {
      backup: {
        type: 'Periodic'
        intervalInMinutes: 1440
        redundancy: 'Local'
        retentionInHours: 48
      }
      consistency: 'Strong'
      regions: [{ name: 'East US 2', zoneRedundant: false }]
    }
    tags: tags
  }
}

@description('The vault from before soft delete')
module legacyVault './modules/keyVault.bicep' = {
  params: {
    location: 'italynorth'
    name: resourceName('kv', project, 'legacy')
    settings: {
      retention: 90
      softDelete: false
    }
    tags: tags
  }
}

@description('The configuration store for trials')
module trial './modules/appConfig.bicep' = {
  params: {
    location: location
    name: resourceName('appconfig', project, 'trial')
    settings: {
      purgeProtection: false
      sku: 'free'
      softDelete: 0
    }
    tags: tags
  }
}
