using './main.bicep'

/** Locals **/
var aMonth = 30
var aWeek = 7

/** The platform **/
param environmentName = 'prod'
param location = readEnvironmentVariable('FLLM_LOCATION', 'eastus2')
param project = 'fllm'

/** Cosmos DB **/
param chatHistory = {
  automaticFailover: true
  backup: {
    type: 'Continuous'
    tier: 'Continuous30Days'
  }
  consistency: 'Session'
  databases: ['database', 'user-profiles']
  regions: [
    { name: 'East US 2' }
  ]
}

/** Storage **/
param dataLake = {
  workload: 'datalake'
  sku: 'Standard_GRS'
  hierarchicalNamespace: true
  blobs: {
    containerSoftDelete: aMonth
    permanentDelete: false
    softDelete: aMonth
  }
  files: {
    softDelete: aWeek
  }
}

param accounts = [
  {
    workload: 'prompts'
    sku: 'Standard_LRS'
    blobs: {
      containers: ['agents', 'prompts']
      containerSoftDelete: aMonth
      permanentDelete: false
      softDelete: aMonth
      versioning: true
    }
    files: { softDelete: aWeek }
  }
  {
    workload: 'vectors'
    sku: 'Standard_RAGZRS'
    blobs: {
      containers: ['vectors']
      containerSoftDelete: aMonth
      permanentDelete: false
      softDelete: aMonth
      versioning: true
    }
    files: { softDelete: aWeek }
  }
  {
    workload: 'shares'
    kind: 'FileStorage'
    sku: 'Premium_ZRS'
    files: {
      shares: [
        { name: 'models', quota: 100 }
      ]
      softDelete: 2 * aWeek
    }
  }
]

param logs = {
  workload: 'logs'
  sku: 'Standard_ZRS'
  blobs: {
    containerSoftDelete: 0
    softDelete: aWeek
  }
  files: { softDelete: 0 }
}

/** Azure Backup **/
param backupVault = {
  immutability: 'Disabled'
  redundancy: 'GeoRedundant'
  softDelete: {
    state: 'On'
    days: 14
  }
}

/** Key Vault **/
param authVault = {
  purgeProtection: true
  rbac: true
  retention: 7
  softDelete: true
}

param opsVault = {
  rbac: true
  retention: 90
  softDelete: true
}

/** App Configuration **/
param configuration = {
  purgeProtection: false
  replicas: []
  sku: 'standard'
  softDelete: 7
}
