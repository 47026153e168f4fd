/** Regions **/
@description('A region of a database account')
type region = {
  name: string
  zoneRedundant: bool?
}

/** Cosmos DB **/
type continuousBackup = {
  type: 'Continuous'
  tier: 'Continuous7Days' | 'Continuous30Days'
}

type periodicBackup = {
  type: 'Periodic'

  @minValue(60)
  @maxValue(1440)
  intervalInMinutes: int

  @minValue(8)
  @maxValue(720)
  retentionInHours: int
  redundancy: 'Geo' | 'Local' | 'Zone'
}

@discriminator('type')
type backup = continuousBackup | periodicBackup

@export()
@description('What is chosen for a database account')
type databaseSettings = {
  automaticFailover: bool?
  backup: backup
  consistency: 'BoundedStaleness' | 'ConsistentPrefix' | 'Eventual' | 'Session' | 'Strong'
  databases: string[]?

  @minLength(1)
  regions: region[]
}

/** Storage **/
@description('0 days switch it off')
@minValue(0)
@maxValue(365)
type days = int

type fileShare = {
  name: string
  quota: int
}

@export()
@description('What is chosen for a storage account')
type accountSettings = {
  workload: string
  kind: ('BlockBlobStorage' | 'FileStorage' | 'StorageV2')?
  sku: string
  hierarchicalNamespace: bool?
  deleteLock: bool?

  blobs: {
    containers: string[]?
    containerSoftDelete: days
    permanentDelete: bool?
    pointInTimeRestore: days?
    softDelete: days
    versioning: bool?
  }?

  files: {
    shares: fileShare[]?
    softDelete: days
  }
}

/** Key Vault **/
@export()
@description('What is chosen for a key vault')
type vaultSettings = {
  @description('Cannot be switched off again; leave it out rather than set it to false')
  purgeProtection: true?
  rbac: true?

  @minValue(7)
  @maxValue(90)
  retention: int
  softDelete: bool
}

/** App Configuration **/
@export()
@description('What is chosen for a configuration store')
type storeSettings = {
  purgeProtection: bool
  replicas: string[]?
  revisions: int?
  sku: 'free' | 'developer' | 'standard' | 'premium'
  softDelete: int
}

/** Azure Backup **/
@export()
@description('What is chosen for the backup vault')
type backupVaultSettings = {
  immutability: 'Disabled' | 'Unlocked' | 'Locked'
  redundancy: 'GeoRedundant' | 'LocallyRedundant' | 'ZoneRedundant'
  softDelete: {
    state: 'AlwaysOn' | 'Off' | 'On'
    days: int
  }
}
