import { resourceName } from './shared/naming.bicep'
import { storeSettings, vaultSettings } from './shared/types.bicep'

/** Inputs **/
@description('Settings of the configuration store')
param configuration storeSettings

@description('Region of all resources')
param location string

@description('Short name of the platform')
param project string

@description('Tags of all resources')
param tags object

@description('Settings of the key vault')
param vault vaultSettings

/** Outputs **/
output vaultName string = authVault.outputs.name

/** Nested Modules **/
@description('The key vault of the authorization service')
module authVault './modules/keyVault.bicep' = {
  params: {
    location: location
    name: resourceName('kv', project, 'auth')
    settings: vault
    tags: tags
  }
}

@description('The configuration store of the platform')
module appConfig './modules/appConfig.bicep' = {
  params: {
    location: location
    name: resourceName('appconfig', project, '')
    settings: configuration
    tags: tags
  }
}
