param location string = 'eastus2'
param purgeProtection bool = false
param retention int = 7

resource first 'Microsoft.KeyVault/vaults@2023-07-01' = {
  name: 'kv-first'
  location: location
  properties: {
    tenantId: tenant().tenantId
    sku: { family: 'A', name: 'standard' }
    enableSoftDelete: true
    softDeleteRetentionInDays: retention
    enablePurgeProtection: purgeProtection
  }
}

resource second 'Microsoft.KeyVault/vaults@2023-07-01' = {
  name: 'kv-second'
  location: location
  properties: {
    tenantId: tenant().tenantId
    sku: { family: 'A', name: 'standard' }
    enableSoftDelete: true
    softDeleteRetentionInDays: 90
    enablePurgeProtection: true
  }
}
