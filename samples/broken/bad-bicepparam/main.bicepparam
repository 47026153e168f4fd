using 'main.bicep'

param location = 'eastus2'
param purgeProtection = = true
param retention = 90
