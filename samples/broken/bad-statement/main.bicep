// One statement that is no Bicep, among good ones: the vaults are judged, the report says what was not read.
param location string = 'eastus2'

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' = {
  name: 'kv-good'
  location: location
  properties: {
    tenantId: tenant().tenantId
    sku: { family: 'A', name: 'standard' }
    enableSoftDelete: true
    softDeleteRetentionInDays: 90
    enablePurgeProtection: true
  }
}

resource account 'Microsoft.Storage/storageAccounts@2023-05-01' = {
  name: 'stbroken'
  location: location
  kind 'StorageV2'
  sku: { name: 'Standard_GRS' }
}

resource second 'Microsoft.KeyVault/vaults@2023-07-01' = {
  name: 'kv-after'
  location: location
  properties: {
    tenantId: tenant().tenantId
    sku: { family: 'A', name: 'standard' }
    enableSoftDelete: true
    softDeleteRetentionInDays: 90
    enablePurgeProtection: true
  }
}
