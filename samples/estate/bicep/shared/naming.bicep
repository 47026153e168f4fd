@description('Name of a resource: prefix, platform, and the workload where there are several')
@export()
func resourceName(prefix string, project string, workload string) string =>
  empty(workload) ? '${prefix}-${project}' : '${prefix}-${project}-${workload}'

@description('Name of a storage account: lower case, no dashes, at most 24 characters')
@export()
func accountName(project string, workload string) string =>
  take(toLower(replace('st${project}${workload}', '-', '')), 24)

@description('Groups of the platform')
@export()
var groups = [
  'app'
  'data'
  'storage'
  'ops'
  'sandbox'
]
