# What somebody tried out, and nobody tidied up.

resource "azurerm_cosmosdb_account" "evaluations" {
  count = var.deploy_sandbox ? 1 : 0

  name                = "cosmos-${var.project}-evaluations"
  resource_group_name = azurerm_resource_group.this["sandbox"].name
  location            = var.location
  offer_type          = "Standard"
  kind                = "GlobalDocumentDB"
  tags                = local.tags

  backup {
    type                = "Periodic"
    interval_in_minutes = 1440
    retention_in_hours  = 48
    storage_redundancy  = "Local"
  }

  consistency_policy {
    consistency_level = "Strong"
  }

  geo_location {
    location          = var.location
    failover_priority = 0
    zone_redundant    = false
  }
}

resource "azurerm_app_configuration" "trial" {
  count = var.deploy_sandbox ? 1 : 0

  name                = "appconfig-${var.project}-trial"
  resource_group_name = azurerm_resource_group.this["sandbox"].name
  location            = var.location
  sku                 = "free"
  local_auth_enabled  = false
  tags                = local.tags
}

# The vault from before soft delete, which azurerm knows nothing of.
resource "azapi_resource" "legacy" {
  count = var.deploy_sandbox ? 1 : 0

  type      = "Microsoft.KeyVault/vaults@2023-07-01"
  name      = "kv-${var.project}-legacy"
  parent_id = azurerm_resource_group.this["sandbox"].id
  location  = "italynorth"
  tags      = local.tags

  body = {
    properties = {
      accessPolicies            = []
      enableSoftDelete          = false
      sku                       = { family = "A", name = "standard" }
      softDeleteRetentionInDays = 90
      tenantId                  = var.tenant_id
    }
  }
}
