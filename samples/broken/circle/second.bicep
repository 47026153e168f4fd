param location string

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' = {
  name: 'kv-inside'
  location: location
  properties: {
    tenantId: tenant().tenantId
    sku: { family: 'A', name: 'standard' }
    enableSoftDelete: true
    softDeleteRetentionInDays: 90
  }
}

module first 'first.bicep' = {
  name: 'first'
  params: { location: location }
}
