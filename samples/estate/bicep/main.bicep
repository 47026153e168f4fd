/** The platform's data stores, group by group. Deploy with main.bicepparam beside it. **/
targetScope = 'subscription'

import { groups } from './shared/naming.bicep'
import {
  accountSettings
  backupVaultSettings
  databaseSettings
  storeSettings
  vaultSettings
} from './shared/types.bicep'

/** Inputs **/
@description('Storage accounts of the platform, each with a workload of its own')
param accounts accountSettings[]

@description('Key vault of the authorization service')
param authVault vaultSettings

@description('Backup vault of the platform')
param backupVault backupVaultSettings

@description('Database account of chat history, agents and user profiles')
param chatHistory databaseSettings

@description('Configuration store of the platform')
param configuration storeSettings

@description('Storage account of the data lake')
param dataLake accountSettings

@description('Whether the trial group is deployed')
param deploySandbox bool = true

@description('Stage of the platform')
@allowed(['dev', 'test', 'prod'])
param environmentName string

@description('Region of all resources but those that say otherwise')
param location string = deployment().location

@description('Storage account of platform logs')
param logs accountSettings

@description('Key vault of operations')
param opsVault vaultSettings

@description('Short name of the platform, part of every name')
@minLength(3)
@maxLength(8)
param project string

@description('Timestamp for nested deployments')
param timestamp string = utcNow()

/** Locals **/
var tags = {
  Environment: environmentName
  IaC: 'Bicep'
  Project: project
}

/** Outputs **/
output AZURE_COSMOS_DB_ENDPOINT string = data.outputs.endpoint
output AZURE_KEY_VAULT_NAME string = app.outputs.vaultName
output AZURE_STORAGE_ACCOUNTS array = storage.outputs.names

/** Resources **/
resource rg 'Microsoft.Resources/resourceGroups@2024-03-01' = [for group in groups: if (group != 'sandbox' || deploySandbox) {
  location: location
  name: 'rg-${project}-${group}'
  tags: union(tags, { Purpose: group })
}]

/** Nested Modules **/
module app './app-rg.bicep' = {
  name: 'app-${timestamp}'
  scope: resourceGroup('rg-${project}-app')
  dependsOn: [rg]
  params: {
    configuration: configuration
    location: location
    project: project
    tags: tags
    vault: authVault
  }
}

module data './data-rg.bicep' = {
  name: 'data-${timestamp}'
  scope: resourceGroup('rg-${project}-data')
  dependsOn: [rg]
  params: {
    chatHistory: chatHistory
    dataLake: dataLake
    environmentName: environmentName
    location: location
    project: project
    tags: tags
  }
}

module storage './storage-rg.bicep' = {
  name: 'storage-${timestamp}'
  scope: resourceGroup('rg-${project}-storage')
  dependsOn: [rg]
  params: {
    accounts: accounts
    location: location
    project: project
    tags: tags
  }
}

module ops './ops-rg.bicep' = {
  name: 'ops-${timestamp}'
  scope: resourceGroup('rg-${project}-ops')
  dependsOn: [rg, storage]
  params: {
    backupVault: backupVault
    location: location
    logs: logs
    project: project
    protectedGroup: 'rg-${project}-storage'
    protectedWorkloads: ['prompts']
    tags: tags
    vault: opsVault
  }
}

module sandbox './sandbox-rg.bicep' = if (deploySandbox) {
  name: 'sandbox-${timestamp}'
  scope: resourceGroup('rg-${project}-sandbox')
  dependsOn: [rg]
  params: {
    location: location
    project: project
    tags: tags
  }
}
