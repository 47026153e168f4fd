import { databaseSettings } from '../shared/types.bicep'

/** Inputs **/
@description('Region of the account\'s metadata')
param location string

@description('Name of the account')
param name string

@description('What is chosen for the account')
param settings databaseSettings

@description('Tags of all resources')
param tags object

/** Locals **/
@description('Containers of each database')
var containers = [
  { database: 'database', name: 'sessions', partitionKey: '/sessionId' }
  { database: 'user-profiles', name: 'user-profiles', partitionKey: '/upn' }
]

var continuous = settings.backup.type == 'Continuous'

/** Outputs **/
output endpoint string = account.properties.documentEndpoint
output name string = account.name

/** Resources **/
@description('The account')
resource account 'Microsoft.DocumentDB/databaseAccounts@2024-05-15' = {
  kind: 'GlobalDocumentDB'
  location: location
  name: name
  tags: tags

  properties: {
    databaseAccountOfferType: 'Standard'
    enableAutomaticFailover: settings.?automaticFailover
    enableMultipleWriteLocations: false

    backupPolicy: continuous
      ? {
          type: 'Continuous'
          continuousModeProperties: {
            tier: settings.backup.tier
          }
        }
      : {
          type: 'Periodic'
          periodicModeProperties: {
            backupIntervalInMinutes: settings.backup.intervalInMinutes
            backupRetentionIntervalInHours: settings.backup.retentionInHours
            backupStorageRedundancy: settings.backup.redundancy
          }
        }

    consistencyPolicy: {
      defaultConsistencyLevel: settings.consistency
      maxIntervalInSeconds: 5
      maxStalenessPrefix: 100
    }

    locations: [for (region, index) in settings.regions: {
      failoverPriority: index
      isZoneRedundant: region.?zoneRedundant ?? false
      locationName: region.name
    }]
  }

  @description('The databases')
  resource databases 'sqlDatabases' = [for database in settings.?databases ?? []: {
    name: database
    properties: {
      resource: { id: database }
    }
  }]
}

@description('The containers of the databases')
resource tables 'Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers@2024-05-15' = [for item in filter(containers, one => contains(settings.?databases ?? [], one.database)): {
  name: '${account.name}/${item.database}/${item.name}'
  dependsOn: [account::databases]
  properties: {
    resource: {
      id: item.name
      partitionKey: {
        kind: 'Hash'
        paths: [item.partitionKey]
      }
    }
  }
}]
