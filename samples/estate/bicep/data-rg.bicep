import { accountName, resourceName } from './shared/naming.bicep'
import { accountSettings, databaseSettings } from './shared/types.bicep'

/** Inputs **/
@description('Settings of the database account')
param chatHistory databaseSettings

@description('Settings of the data lake')
param dataLake accountSettings

@description('Stage of the platform')
param environmentName string

@description('Region of all resources')
param location string

@description('Short name of the platform')
param project string

@description('Tags of all resources')
param tags object

/** Outputs **/
output endpoint string = cosmos.outputs.endpoint

/** Resources **/
@description('Nothing in this group goes away by accident')
resource lock 'Microsoft.Authorization/locks@2020-05-01' = {
  name: 'do-not-delete'
  properties: {
    level: 'CanNotDelete'
    notes: 'Chat history and the data lake.'
  }
}

/** Nested Modules **/
@description('The database account of chat history')
module cosmos './modules/cosmosdb.bicep' = {
  params: {
    location: location
    name: resourceName('cosmos', project, environmentName)
    settings: chatHistory
    tags: tags
  }
}

@description('The data lake')
module lake './modules/storageAccount.bicep' = {
  params: {
    location: location
    name: accountName(project, dataLake.workload)
    settings: dataLake
    tags: tags
  }
}
