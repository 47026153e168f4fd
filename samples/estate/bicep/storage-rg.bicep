import { accountName } from './shared/naming.bicep'
import { accountSettings } from './shared/types.bicep'

/** Inputs **/
@description('Settings of each account')
param accounts accountSettings[]

@description('Region of all resources')
param location string

@description('Short name of the platform')
param project string

@description('Tags of all resources')
param tags object

/** Outputs **/
output names array = [for (account, index) in accounts: storageAccounts[index].outputs.name]

/** Nested Modules **/
@description('One account a workload')
@batchSize(2)
module storageAccounts './modules/storageAccount.bicep' = [for (account, index) in accounts: {
  name: 'account-${index}-${uniqueString(resourceGroup().id, account.workload)}'
  params: {
    location: location
    name: accountName(project, account.workload)
    settings: account
    tags: tags
  }
}]
