import { backupVaultSettings } from '../shared/types.bicep'

/** Inputs **/
@description('Names of the storage accounts whose blobs are backed up')
param accounts string[]

@description('Group of these accounts')
param accountsGroup string

@description('Region of the vault')
param location string

@description('Name of the vault')
param name string

@description('What is chosen for the vault')
param settings backupVaultSettings

@description('Tags of all resources')
param tags object

/** Outputs **/
output principalId string = vault.identity.principalId

/** Resources **/
@description('The accounts, which another module makes')
resource sources 'Microsoft.Storage/storageAccounts@2023-05-01' existing = [for account in accounts: {
  name: account
  scope: resourceGroup(accountsGroup)
}]

@description('The vault')
resource vault 'Microsoft.DataProtection/backupVaults@2023-11-01' = {
  location: location
  name: name
  tags: tags

  identity: {
    type: 'SystemAssigned'
  }

  properties: {
    securitySettings: {
      immutabilitySettings: {
        state: settings.immutability
      }
      softDeleteSettings: {
        retentionDurationInDays: settings.softDelete.days
        state: settings.softDelete.state
      }
    }
    storageSettings: [
      {
        datastoreType: 'VaultStore'
        type: settings.redundancy
      }
    ]
  }

  @description('A copy a day, kept a month')
  resource daily 'backupPolicies' = {
    name: 'daily'
    properties: {
      datasourceTypes: ['Microsoft.Storage/storageAccounts/blobServices']
      objectType: 'BackupPolicy'
      policyRules: [
        {
          isDefault: true
          lifecycles: [
            {
              deleteAfter: { duration: 'P30D', objectType: 'AbsoluteDeleteOption' }
              sourceDataStore: { dataStoreType: 'OperationalStore', objectType: 'DataStoreInfoBase' }
            }
          ]
          name: 'Default'
          objectType: 'AzureRetentionRule'
        }
      ]
    }
  }
}

@description('What the vault protects')
resource instances 'Microsoft.DataProtection/backupVaults/backupInstances@2023-11-01' = [for (account, index) in accounts: {
  parent: vault
  name: '${account}-blobs'
  properties: {
    friendlyName: account
    objectType: 'BackupInstance'
    dataSourceInfo: {
      datasourceType: 'Microsoft.Storage/storageAccounts/blobServices'
      objectType: 'Datasource'
      resourceID: sources[index].id
      resourceLocation: location
      resourceName: account
      resourceType: 'Microsoft.Storage/storageAccounts'
    }
    policyInfo: {
      policyId: vault::daily.id
    }
  }
}]
