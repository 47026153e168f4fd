// Two modules that call each other: the vault outside of the circle is judged.
param location string = 'eastus2'

module first 'first.bicep' = {
  name: 'first'
  params: { location: location }
}

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
