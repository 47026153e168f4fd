import { storeSettings } from '../shared/types.bicep'

/** Inputs **/
@description('Region of the store')
param location string

@description('Name of the store')
param name string

@description('What is chosen for the store')
param settings storeSettings

@description('Tags of all resources')
param tags object

/** Outputs **/
output endpoint string = store.properties.endpoint

/** Resources **/
@description('The store')
resource store 'Microsoft.AppConfiguration/configurationStores@2024-05-01' = {
  location: location
  name: name
  tags: tags

  sku: {
    name: settings.sku
  }

  properties: {
    defaultKeyValueRevisionRetentionPeriodInSeconds: settings.?revisions
    disableLocalAuth: true
    enablePurgeProtection: settings.purgeProtection
    softDeleteRetentionInDays: settings.softDelete
  }
}

@description('Copies in other regions')
resource replicas 'Microsoft.AppConfiguration/configurationStores/replicas@2024-05-01' = [for region in settings.?replicas ?? []: {
  parent: store
  location: region
  name: 'in${region}'
}]
