import { accountName, resourceName } from './shared/naming.bicep'
import { accountSettings, backupVaultSettings, vaultSettings } from './shared/types.bicep'

/** Inputs **/
@description('Settings of the backup vault')
param backupVault backupVaultSettings

@description('Region of all resources')
param location string

@description('Settings of the account of logs')
param logs accountSettings

@description('Short name of the platform')
param project string

@description('Group of the accounts that are backed up')
param protectedGroup string

@description('Workloads whose accounts are backed up')
param protectedWorkloads string[]

@description('Tags of all resources')
param tags object

@description('Settings of the key vault')
param vault vaultSettings

/** Locals **/
var logsName = accountName(project, logs.workload)

/** Resources **/
resource logsAccount 'Microsoft.Storage/storageAccounts@2023-05-01' existing = {
  name: logsName
}

@description('Old versions of logs go soon')
resource trim 'Microsoft.Storage/storageAccounts/managementPolicies@2023-05-01' = {
  parent: logsAccount
  name: 'default'
  dependsOn: [logsModule]

  properties: {
    policy: {
      rules: loadJsonContent('./shared/logs-lifecycle.json', 'rules')
    }
  }
}

/** Nested Modules **/
@description('The account of platform logs')
module logsModule './modules/storageAccount.bicep' = {
  params: {
    location: location
    name: logsName
    settings: logs
    tags: tags
  }
}

@description('The key vault of operations')
module opsVault './modules/keyVault.bicep' = {
  params: {
    location: location
    name: resourceName('kv', project, 'ops')
    settings: vault
    tags: tags
  }
}

@description('The backup vault and what it protects')
module backup './modules/backupVault.bicep' = {
  params: {
    accounts: map(protectedWorkloads, workload => accountName(project, workload))
    accountsGroup: protectedGroup
    location: location
    name: resourceName('bvault', project, '')
    settings: backupVault
    tags: tags
  }
}
