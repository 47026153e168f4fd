import { accountSettings } from '../shared/types.bicep'

/** Inputs **/
@description('Region of the account')
param location string

@description('Name of the account')
@minLength(3)
@maxLength(24)
param name string

@description('What is chosen for the account')
param settings accountSettings

@description('Tags of all resources')
param tags object

/** Locals **/
@description('A retention policy; 0 days switch it off')
func retention(days int) object => days > 0 ? { enabled: true, days: days } : { enabled: false }

var hasBlobs = kind != 'FileStorage'
var kind = settings.?kind ?? 'StorageV2'
var restoreDays = settings.?blobs.?pointInTimeRestore ?? 0

/** Outputs **/
output id string = account.id
output name string = account.name

/** Resources **/
@description('The account')
resource account 'Microsoft.Storage/storageAccounts@2023-05-01' = {
  kind: kind
  location: location
  name: name
  tags: tags

  sku: {
    name: settings.sku
  }

  properties: {
    allowBlobPublicAccess: false
    allowSharedKeyAccess: false
    isHnsEnabled: settings.?hierarchicalNamespace
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
  }

  @description('Blobs and how long they are kept')
  resource blobs 'blobServices' = if (hasBlobs) {
    name: 'default'
    properties: {
      changeFeed: restoreDays > 0 ? { enabled: true } : null
      containerDeleteRetentionPolicy: retention(settings.blobs!.containerSoftDelete)
      deleteRetentionPolicy: {
        ...retention(settings.blobs!.softDelete)
        allowPermanentDelete: settings.blobs!.?permanentDelete
      }
      isVersioningEnabled: settings.blobs!.?versioning
      restorePolicy: restoreDays > 0 ? { enabled: true, days: restoreDays } : null
    }

    resource containers 'containers' = [for container in settings.?blobs.?containers ?? []: {
      name: container
    }]
  }
}

@description('File shares and how long they are kept')
resource files 'Microsoft.Storage/storageAccounts/fileServices@2023-05-01' = {
  parent: account
  name: 'default'
  properties: {
    shareDeleteRetentionPolicy: retention(settings.files.softDelete)
  }
}

@description('The shares')
resource shares 'Microsoft.Storage/storageAccounts/fileServices/shares@2023-05-01' = [for share in settings.files.?shares ?? []: {
  name: '${account.name}/${files.name}/${share.name}'
  properties: {
    shareQuota: share.quota
  }
}]

@description('Keeps the account from being deleted')
resource lock 'Microsoft.Authorization/locks@2020-05-01' = if (settings.?deleteLock ?? false) {
  scope: account
  name: 'do-not-delete'
  properties: {
    level: 'CanNotDelete'
  }
}
