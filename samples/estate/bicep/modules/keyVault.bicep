import { vaultSettings } from '../shared/types.bicep'

/** Inputs **/
@description('Region of the vault')
param location string

@description('Name of the vault')
@minLength(3)
@maxLength(24)
param name string

@description('What is chosen for the vault')
param settings vaultSettings

@description('Tags of all resources')
param tags object

/** Outputs **/
output name string = vault.name
output uri string = vault.properties.vaultUri

/** Resources **/
@description('The vault')
resource vault 'Microsoft.KeyVault/vaults@2023-07-01' = {
  location: location
  name: name
  tags: tags

  properties: {
    accessPolicies: []
    enablePurgeProtection: settings.?purgeProtection
    enableRbacAuthorization: settings.?rbac
    enableSoftDelete: settings.softDelete
    softDeleteRetentionInDays: settings.retention
    tenantId: subscription().tenantId

    sku: {
      family: 'A'
      name: 'standard'
    }
  }
}
