param location string

module second 'second.bicep' = {
  name: 'second'
  params: { location: location }
}
