resource "azurerm_data_protection_backup_vault" "this" {
  name                       = "bvault-${var.project}"
  resource_group_name        = azurerm_resource_group.this["ops"].name
  location                   = var.location
  datastore_type             = "VaultStore"
  redundancy                 = "GeoRedundant"
  immutability               = "Disabled"
  soft_delete                = "On"
  retention_duration_in_days = 14
  tags                       = local.tags

  identity {
    type = "SystemAssigned"
  }

  lifecycle {
    prevent_destroy = true
  }
}

# A copy a day, kept a month.
resource "azurerm_data_protection_backup_policy_blob_storage" "daily" {
  name                                   = "daily"
  vault_id                               = azurerm_data_protection_backup_vault.this.id
  operational_default_retention_duration = "P30D"
}
