// A module of a registry that nobody has: the account it makes is there, with everything unknown.
param location string = 'eastus2'

module account 'br/public:avm/res/storage/storage-account:0.14.3' = {
  name: 'account'
  params: {
    name: 'stunresolved'
    location: location
  }
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
